-- Presents the certificate of a file, which may change. Nginx alone would read the file either once or,
-- if its name has a variable, at each handshake, which takes a millisecond of CPU time.

local ssl = require "ngx.ssl"

local SECONDS_BETWEEN_LOOKS = 1
local content, certificate, key

local function read(_, path)
    local file = io.open(path)
    local found = file and file:read("*a")
    if file then
        file:close()
    end
    if found and found ~= content then
        content, certificate, key = found, ssl.parse_pem_cert(found), ssl.parse_pem_priv_key(found)
    end
end

return {
    -- Called when an Nginx process starts. The file contains a certificate and its key.
    watch = function(path)
        read(false, path)
        ngx.timer.every(SECONDS_BETWEEN_LOOKS, read, path)
    end,

    -- Called at each handshake.
    present = function()
        ssl.clear_certs()
        ssl.set_cert(certificate)
        ssl.set_priv_key(key)
    end,
}
