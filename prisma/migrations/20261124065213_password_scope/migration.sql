-- AlterTable
ALTER TABLE "User" ADD COLUMN     "passwordOrganizationId" UUID;
