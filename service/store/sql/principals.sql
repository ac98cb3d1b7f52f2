-- name: issued_token
-- Read whom a token stands for. Index: api_token_pkey.
SELECT principal.principal_id, principal.name, principal.role, principal.bureau_id,
       api_token.limited_to, api_token.expires_at, api_token.revoked_at, api_token.last_used_at
  FROM evergrid.api_token
  JOIN evergrid.principal USING (principal_id)
 WHERE api_token.token_sha256 = %(token_sha256)s;

-- name: add_token
-- Record a token that was issued; nothing if the same one is recorded already.
INSERT INTO evergrid.api_token (token_sha256, principal_id, issued_at, expires_at, limited_to)
VALUES (%(token_sha256)s, %(principal_id)s, %(issued_at)s, %(expires_at)s, %(limited_to)s)
ON CONFLICT (token_sha256) DO NOTHING;

-- name: tokens_of
-- Read the tokens of a principal, the newest first. Index: api_token_by_principal.
SELECT token_sha256, issued_at, expires_at, revoked_at, last_used_at, limited_to
  FROM evergrid.api_token
 WHERE principal_id = %(principal_id)s
 ORDER BY issued_at DESC, token_sha256
 LIMIT %(limit)s;

-- name: note_use
-- Note that a token was used, unless another process just did. Index: api_token_pkey.
UPDATE evergrid.api_token
   SET last_used_at = %(used_at)s
 WHERE token_sha256 = %(token_sha256)s
   AND (last_used_at IS NULL OR last_used_at < %(used_at)s);

-- name: revoke_token
-- Take back one living token of a principal, by its id. Index: api_token_by_principal.
UPDATE evergrid.api_token
   SET revoked_at = %(revoked_at)s
 WHERE principal_id = %(principal_id)s
   AND revoked_at IS NULL
   AND left(encode(token_sha256, 'hex'), 32) = %(token_id)s;

-- name: revoke_tokens_of
-- Take back every living token of a principal. Index: api_token_by_principal.
UPDATE evergrid.api_token
   SET revoked_at = %(revoked_at)s
 WHERE principal_id = %(principal_id)s
   AND revoked_at IS NULL;

-- name: add_principal
-- Record a principal; nothing if the name is taken.
INSERT INTO evergrid.principal (name, role, bureau_id)
VALUES (%(name)s, %(role)s, %(bureau_id)s)
ON CONFLICT (name) DO NOTHING;

-- name: principal_by_name
-- Read a principal. Index: principal_name_key.
SELECT principal_id, name, role, bureau_id
  FROM evergrid.principal
 WHERE name = %(name)s;

-- name: add_bureau
-- Record a bureau, or give it its new name.
INSERT INTO evergrid.bureau (bureau_id, name)
VALUES (%(bureau_id)s, %(name)s)
ON CONFLICT (bureau_id) DO UPDATE SET name = excluded.name;

-- name: bureau_name
-- Read the name of a bureau. Index: bureau_pkey.
SELECT name
  FROM evergrid.bureau
 WHERE bureau_id = %(bureau_id)s;
