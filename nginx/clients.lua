-- Functions that Nginx lacks: a timeout for a whole body, delayed refusals, counts of its responses.

local read_all, spawn, sleep, now = ngx.req.read_body, ngx.thread.spawn, ngx.sleep, ngx.now

-- After the workers' queue was full, requests are refused for this time without asking it again.
local SECONDS_FULL = 0.005
local full_until = 0

-- Refusals are delayed, so that clients that retry at once do not take CPU time from the workers.
-- Refusals of the same tick are sent together, which costs less.
local REFUSAL_SECONDS, TICK_SECONDS = 0.03, 0.02

local PAUSE_SECONDS = 0.05

-- Counts a response of Nginx itself. The dictionary has room for all routes and statuses.
function count(route, status)
    ngx.shared.counts:incr(route .. "," .. status, 1, 0)
end

local function refuse(status, problem)
    count("", status)
    local due = now() + REFUSAL_SECONDS
    sleep(math.ceil(due / TICK_SECONDS) * TICK_SECONDS - now())
    ngx.req.discard_body()
    ngx.status = status
    ngx.header.content_type = ngx.var.refusal_type
    ngx.header.content_length = #problem
    ngx.header.retry_after = 1
    ngx.print(problem)
    return ngx.exit(ngx.HTTP_OK)
end

local function read(progress)
    read_all()
    progress.is_over = true
end

local function sleep_for(seconds)
    sleep(seconds)
end

-- Large bodies stay in memory until their response is sent. The sum of their bytes is limited.
local LARGE_BYTES = 65536
local bytes_of, all_bytes = {}, 0

local function request()
    return ngx.var.connection .. "." .. ngx.var.connection_requests
end

-- Releases the memory of the request's body. Called at the end of every request.
function finished()
    if all_bytes == 0 then
        return
    end
    local key = request()
    all_bytes = all_bytes - (bytes_of[key] or 0)
    bytes_of[key] = nil
end

local function hold(bytes)
    local key = request()
    all_bytes = all_bytes - (bytes_of[key] or 0) + bytes
    bytes_of[key] = bytes
end

-- Called at the end of every request that Nginx has answered itself.
function answered(route, status)
    count(route, status)
    finished()
end

local function read_in_time(seconds)
    local progress = { is_over = false }
    local reading = spawn(read, progress)
    if progress.is_over then -- nearly always: the body was received together with the header
        return
    end
    local timer = spawn(sleep_for, seconds)
    ngx.thread.wait(reading, timer)
    if not progress.is_over then
        count("", ngx.HTTP_REQUEST_TIMEOUT)
        return ngx.exit(ngx.HTTP_REQUEST_TIMEOUT)
    end
    ngx.thread.kill(timer)
end

-- Whether the request may have a body of unknown length. HTTP/2 does not announce a body.
local function has_unknown_length()
    return ngx.var.http_transfer_encoding or ngx.req.http_version() == 2
end

-- Reads the body of a request within a time limit. Nginx's own timeout restarts with each part of
-- the body, so a client could send one byte a second without end.
-- seconds: the time limit; largest: the maximum bytes of a body; budget: the maximum bytes of all
-- large bodies together.
function read_body(seconds, largest, budget)
    if now() < full_until then
        return refuse(503, ngx.var.overload)
    end
    local bytes = tonumber(ngx.var.content_length) or has_unknown_length() and largest or 0
    if bytes <= LARGE_BYTES then
        return read_in_time(seconds)
    end
    if all_bytes + bytes > math.max(budget, largest) then
        return refuse(503, ngx.var.overload)
    end
    hold(bytes)
    read_in_time(seconds)
    hold(tonumber(ngx.var.request_length))
end

-- Called before a request that got no response is sent again: supervisord may be replacing the socket.
function pause()
    sleep(PAUSE_SECONDS)
end

function too_many_requests()
    return refuse(429, ngx.var.too_many_requests)
end

-- Called when the upstream has no free server.
function overloaded()
    full_until = now() + SECONDS_FULL
    return refuse(503, ngx.var.overload)
end

-- All counts, in the format that server/metrics/collector.py reads.
function counted()
    local parts = {}
    for _, key in ipairs(ngx.shared.counts:get_keys(0)) do
        parts[#parts + 1] = key .. "," .. ngx.shared.counts:get(key)
    end
    return table.concat(parts, ";")
end
