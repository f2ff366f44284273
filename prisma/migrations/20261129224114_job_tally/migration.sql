-- AlterTable
ALTER TABLE "Job" ADD COLUMN     "tally" BIGINT;
