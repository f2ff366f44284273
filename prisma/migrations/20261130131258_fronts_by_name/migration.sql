-- A front is a name of the program, not of the database: what is stored stays, under the same names.
-- AlterTable
ALTER TABLE "Address" ALTER COLUMN "front" TYPE TEXT USING "front"::text;

-- AlterTable
ALTER TABLE "Annotation" ALTER COLUMN "front" TYPE TEXT USING "front"::text;

-- DropEnum
DROP TYPE "Front";
