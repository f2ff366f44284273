-- AlterTable
ALTER TABLE "LogHead" ADD COLUMN     "bytes" BIGINT NOT NULL DEFAULT 0;

-- What earlier versions have stored
UPDATE "LogHead" AS h SET bytes = COALESCE(
    (SELECT sum(octet_length(l.text)) FROM "LogLine" AS l WHERE l.stream = h.stream), 0);

-- CreateTable
CREATE TABLE "Traffic" (
    "serviceId" UUID NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "run" UUID NOT NULL,
    "requests" BIGINT NOT NULL,
    "errors" BIGINT NOT NULL,
    "maxInFlight" INTEGER NOT NULL,
    "instances" INTEGER NOT NULL,
    "buckets" INTEGER[],
    "counts" INTEGER[],

    CONSTRAINT "Traffic_pkey" PRIMARY KEY ("serviceId","minute","run")
);

-- CreateIndex
CREATE INDEX "Traffic_minute_idx" ON "Traffic"("minute");

-- CreateIndex
CREATE INDEX "AuditEntry_organizationId_subject_at_idx" ON "AuditEntry"("organizationId", "subject", "at");

-- What search and usage look at: what is there, newest first
CREATE INDEX "Deployment_live_idx" ON "Deployment"("organizationId", "serial") WHERE "deletedAt" IS NULL;
CREATE INDEX "DeploymentVersion_live_idx" ON "DeploymentVersion"("organizationId", "serial") WHERE "deletedAt" IS NULL;
CREATE INDEX "Service_live_idx" ON "Service"("organizationId", "serial") WHERE "deletedAt" IS NULL;
