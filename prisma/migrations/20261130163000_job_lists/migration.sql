-- What a worker did, and what is in a lane, by age: a page of either costs the same with a million jobs.
CREATE INDEX "Job_worker_idx" ON "Job"("organizationId", "worker", "createdAt", "serial") WHERE "worker" IS NOT NULL;
CREATE INDEX "Job_laned_idx" ON "Job"("organizationId", "lane", "createdAt", "serial") WHERE "lane" IS NOT NULL;

-- The longest and the shortest jobs of a service, in milliseconds.
CREATE INDEX "Job_duration_idx" ON "Job"("serviceId", ((extract(epoch FROM ("finishedAt" - "startedAt")) * 1000)::bigint), "serial")
  WHERE "finishedAt" IS NOT NULL AND "startedAt" IS NOT NULL;

-- All jobs of an organization have an order of their own, which whoever reads writes along with that of the service.
-- AlterTable
ALTER TABLE "JobEvent" ADD COLUMN "organizationId" UUID,
ADD COLUMN "turn" BIGINT;

-- CreateTable
CREATE TABLE "OrganizationJobHead" (
    "organizationId" UUID NOT NULL,
    "head" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "OrganizationJobHead_pkey" PRIMARY KEY ("organizationId")
);

CREATE UNIQUE INDEX "JobEvent_turn_idx" ON "JobEvent"("organizationId", "turn") WHERE "turn" IS NOT NULL;
