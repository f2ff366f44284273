-- CreateTable
CREATE TABLE "Arrival" (
    "key" TEXT NOT NULL,
    "uploadId" UUID NOT NULL,
    "versionId" UUID,
    "serverId" UUID NOT NULL,
    "run" UUID NOT NULL,
    "sizeBytes" BIGINT,
    "sha256" TEXT,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Arrival_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "Arrival_versionId_idx" ON "Arrival"("versionId");

-- CreateIndex
CREATE INDEX "DeploymentVersion_checking_idx" ON "DeploymentVersion"("id") WHERE "status" = 'CHECKING';
