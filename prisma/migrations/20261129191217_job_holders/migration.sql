-- AlterTable
ALTER TABLE "Job" ADD COLUMN     "heldBy" TEXT;

-- What runs now is held by whoever the event of its beginning names.
UPDATE "Job" AS j SET "heldBy" = COALESCE('usr:' || (b.actor->>'userId'), 'tok:' || (b.actor->>'tokenId'), 'front:' || (b.actor->>'front'))
FROM (
  SELECT DISTINCT ON (e."jobId") e."jobId", e.actor FROM "JobEvent" AS e JOIN "Job" AS r ON r.id = e."jobId"
  WHERE r.status = 'RUNNING' AND e.attempt = r.attempt AND e.kind IN ('CLAIMED', 'AMENDED')
  ORDER BY e."jobId", e.number) AS b
WHERE j.id = b."jobId";
