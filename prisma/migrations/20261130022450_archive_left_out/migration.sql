-- AlterTable
ALTER TABLE "DeploymentVersion" ADD COLUMN     "archiveLeftOut" TEXT[] DEFAULT ARRAY[]::TEXT[];
