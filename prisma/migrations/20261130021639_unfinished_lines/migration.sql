-- AlterTable
ALTER TABLE "LogLine" ADD COLUMN     "isUnfinished" BOOLEAN NOT NULL DEFAULT false;
