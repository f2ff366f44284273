-- Answers that were kept for idempotency keys name what was not found as it is called now.
UPDATE "IdempotentCall"
SET answer = replace(answer, '"facts":{"code":"NOT_FOUND","id":', '"facts":{"code":"NOT_FOUND","requestedId":')
WHERE answer LIKE '%"facts":{"code":"NOT\_FOUND","id":%';
