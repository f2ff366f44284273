-- AlterTable
ALTER TABLE "AuditEntry" ADD COLUMN     "callId" UUID,
ADD COLUMN     "callPart" TEXT NOT NULL DEFAULT '';

-- CreateTable
CREATE TABLE "IdempotentCall" (
    "id" UUID NOT NULL,
    "caller" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "mutation" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "seed" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "ownerServer" UUID NOT NULL,
    "ownerRun" UUID NOT NULL,
    "ownedUntil" TIMESTAMPTZ(3),
    "answer" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "IdempotentCall_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "IdempotentCall_expiresAt_idx" ON "IdempotentCall"("expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "IdempotentCall_caller_key_key" ON "IdempotentCall"("caller", "key");

-- CreateIndex
CREATE UNIQUE INDEX "AuditEntry_callId_callPart_key" ON "AuditEntry"("callId", "callPart");
