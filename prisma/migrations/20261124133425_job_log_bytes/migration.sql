-- AlterTable
ALTER TABLE "JobTally" ADD COLUMN     "logBytes" BIGINT NOT NULL DEFAULT 0;

-- What the logs of jobs hold already.
INSERT INTO "JobTally" AS c ("serviceId", shard, "organizationId", "logBytes")
SELECT j."serviceId", 0, j."organizationId", sum(h.bytes) FROM "LogHead" AS h JOIN "Job" AS j ON j.id = h.stream
GROUP BY j."serviceId", j."organizationId"
ON CONFLICT ("serviceId", shard) DO UPDATE SET "logBytes" = excluded."logBytes";
