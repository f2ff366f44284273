-- The oldest job that waits has an index that nothing else can be answered from. Claims could be, at the same cost as the
-- planner saw it while little was known of the table, and then read every job that waits.
DROP INDEX "Job_oldest_idx";
CREATE INDEX "Job_oldest_idx" ON "Job"("serviceId", "createdAt") WHERE "status" = 'QUEUED' AND "createdAt" > '-infinity';
