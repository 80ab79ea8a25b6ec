-- What Nginx itself cannot do: time a whole body, take its time to refuse, and count its answers.

local read_all, spawn, sleep, now = ngx.req.read_body, ngx.thread.spawn, ngx.sleep, ngx.now

-- For so long after the workers' queue was found full it is taken as full: it cannot empty in it.
local SECONDS_FULL = 0.005
local full_until = 0

-- A refusal takes a moment, so that who asks again at once does not take the time that the workers
-- need; many are sent together, which costs less.
local REFUSAL_SECONDS, TICK_SECONDS = 0.03, 0.02

-- Counts an answer of Nginx itself. Routes and statuses are few, so that there is always room.
function count(route, status)
    ngx.shared.counts:incr(route .. "," .. status, 1, 0)
end

local function answer(status, problem)
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

-- Large bodies lie in memory until their answer is sent. Together they may take so much of it.
local LARGE_BYTES = 65536
local bytes_of, all_bytes = {}, 0

local function request()
    return ngx.var.connection .. "." .. ngx.var.connection_requests
end

-- Is called at the end of every request.
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

-- The same, of one that Nginx has answered itself.
function answered(route, status)
    count(route, status)
    finished()
end

local function read_in_time(seconds)
    local progress = { is_over = false }
    local reading = spawn(read, progress)
    if progress.is_over then -- it had come with the header, as nearly always
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

-- Reads a request's body within a time. Nginx only knows the time between two parts of it, so that
-- a client could send one byte a second for ever.
-- largest: bytes that a body may have; budget: bytes that all large ones may have together.
function read_body(seconds, largest, budget)
    if now() < full_until then
        return answer(503, ngx.var.overload)
    end
    local bytes = tonumber(ngx.var.content_length) or ngx.var.http_transfer_encoding and largest or 0
    if bytes <= LARGE_BYTES then
        return read_in_time(seconds)
    end
    if all_bytes + bytes > math.max(budget, largest) then
        return answer(503, ngx.var.overload)
    end
    hold(bytes)
    read_in_time(seconds)
    hold(tonumber(ngx.var.request_length))
end

function too_many_requests()
    return answer(429, ngx.var.too_many_requests)
end

function overloaded()
    full_until = now() + SECONDS_FULL -- the queue was really asked
    return answer(503, ngx.var.overload)
end

-- All counts, as server/metrics/collector.py reads them.
function counted()
    local parts = {}
    for _, key in ipairs(ngx.shared.counts:get_keys(0)) do
        parts[#parts + 1] = key .. "," .. ngx.shared.counts:get(key)
    end
    return table.concat(parts, ";")
end
