-- AlterTable
ALTER TABLE "Job" ADD COLUMN     "isAwaited" BOOLEAN NOT NULL DEFAULT false;

-- What may be claimed, in its order: of one priority those first that somebody waits for.
DROP INDEX "Job_queued_idx";
CREATE INDEX "Job_queued_idx" ON "Job"("serviceId", "priority" DESC, "isAwaited" DESC, "serial", "readyAt") WHERE "status" = 'QUEUED' AND "lane" IS NULL;
