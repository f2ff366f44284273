-- AlterTable
ALTER TABLE "Service" ADD COLUMN     "instanceUser" INTEGER;

-- CreateIndex
CREATE UNIQUE INDEX "Service_instanceUser_key" ON "Service"("instanceUser");
