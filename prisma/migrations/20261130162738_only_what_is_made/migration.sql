-- What nothing has ever written.
-- AlterEnum
CREATE TYPE "ServiceKind_new" AS ENUM ('PROCESS', 'QUEUE');
ALTER TABLE "Service" ALTER COLUMN "kind" TYPE "ServiceKind_new" USING ("kind"::text::"ServiceKind_new");
ALTER TYPE "ServiceKind" RENAME TO "ServiceKind_old";
ALTER TYPE "ServiceKind_new" RENAME TO "ServiceKind";
DROP TYPE "ServiceKind_old";

-- AlterTable
ALTER TABLE "Job" DROP COLUMN "subject";

-- AlterTable
ALTER TABLE "JobEvent" DROP COLUMN "output";
