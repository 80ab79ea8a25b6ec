-- Reads a request's body within a time. Nginx itself only knows the time between two parts of it,
-- so that a client could send one byte a second for ever.

local function read()
    ngx.req.read_body()
end

local function is_over(thread)
    local status = coroutine.status(thread)
    return status == "dead" or status == "zombie"
end

function read_body(seconds)
    local reading = ngx.thread.spawn(read)
    if is_over(reading) then -- it had come with the header, as nearly always
        return
    end
    local timer = ngx.thread.spawn(function() ngx.sleep(seconds) end)
    ngx.thread.wait(reading, timer)
    if not is_over(reading) then
        return ngx.exit(ngx.HTTP_REQUEST_TIMEOUT)
    end
    ngx.thread.kill(timer)
end
