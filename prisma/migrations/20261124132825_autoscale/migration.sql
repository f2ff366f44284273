-- AlterTable
ALTER TABLE "Service" ADD COLUMN     "autoscale" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "maxInstances" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "minInstances" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "targetInFlight" INTEGER NOT NULL DEFAULT 4;

-- What a service was asked for before it had bounds lies within them.
UPDATE "Service" SET "maxInstances" = GREATEST("desiredInstances", 1);
