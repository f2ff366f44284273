-- AlterTable
ALTER TABLE "Service" ADD COLUMN     "cors" JSONB;
