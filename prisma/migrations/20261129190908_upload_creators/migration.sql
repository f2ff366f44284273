-- AlterTable
ALTER TABLE "Upload" ADD COLUMN     "creator" JSONB;

-- Whoever made the version asked for its upload; the history knows who asked for any other.
UPDATE "Upload" AS u SET creator = COALESCE(
  (SELECT v.creator FROM "DeploymentVersion" AS v WHERE v.id = u."versionId"),
  (SELECT e.actor FROM "AuditEntry" AS e
   WHERE e."organizationId" = u."organizationId" AND e.subject = 'upl:' || u.id AND e.action = 'createUpload'
   ORDER BY e.at LIMIT 1),
  '{"kind": "SYSTEM", "name": "millrace"}');

ALTER TABLE "Upload" ALTER COLUMN "creator" SET NOT NULL;

-- A version that was READY keeps that archive, whatever was sent after it.
UPDATE "DeploymentVersion" SET status = 'READY', rejection = NULL
WHERE "archiveSha256" IS NOT NULL AND status <> 'READY';
