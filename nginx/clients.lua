-- Functions that Nginx lacks: limits on the time and the memory of bodies and answers, delayed
-- refusals, counts of its responses.

local transfers = require "transfers"

require("processes").expect()

local read_all, spawn, sleep, now = ngx.req.read_body, ngx.thread.spawn, ngx.sleep, transfers.now

-- After the workers' queue was full, requests are refused for this time without asking it again.
local SECONDS_FULL = 0.005
local full_until = 0

-- Refusals are delayed, so that clients that retry at once do not take CPU time from the workers.
-- Refusals of the same tick are sent together, which costs less.
local REFUSAL_SECONDS, TICK_SECONDS = 0.03, 0.02
-- A refusal of frames costs 0.1 ms: many would take the core from the workers.
local SECONDS_BETWEEN_REFUSALS = 1 / 1000
-- While many wait, each waits less: they take connections from others.
local LONGEST_REFUSAL_SECONDS, LONGEST_OF_MANY_SECONDS, MANY = 2, 1, 2000
local last_due, number_waiting = 0, 0

-- Smaller bodies and answers are not counted: the number of connections limits them.
local SMALL_BYTES = 16384
-- The key is checked before a larger body is read.
local LARGE_BYTES = 65536

local PAUSE_SECONDS = 0.05

-- Counts a response of Nginx itself. The dictionary has room for all routes and statuses.
function count(route, status)
    ngx.shared.counts:incr(route .. "," .. status, 1, 0)
end

local function refuse(status, problem)
    count("", status)
    local paced = math.max(now() + REFUSAL_SECONDS, last_due + SECONDS_BETWEEN_REFUSALS)
    local longest = number_waiting < MANY and LONGEST_REFUSAL_SECONDS or LONGEST_OF_MANY_SECONDS
    local due = math.min(paced, now() + longest)
    last_due = due
    number_waiting = number_waiting + 1
    sleep(math.ceil(due / TICK_SECONDS) * TICK_SECONDS - now())
    number_waiting = number_waiting - 1
    ngx.req.discard_body()
    ngx.status = status
    ngx.header.content_type = ngx.var.refusal_type
    ngx.header.content_length = #problem
    if status == ngx.HTTP_UNAUTHORIZED then
        ngx.header.www_authenticate = "Bearer"
    else
        ngx.header.retry_after = 1
    end
    ngx.print(problem)
    return ngx.exit(ngx.HTTP_OK)
end

local function read(progress)
    read_all()
    progress.is_over = true
end

-- Texts that replace answers for which there is no memory, by request.
local replacements, number_replaced = {}, 0

-- Called at the end of every request.
function finished()
    transfers.release()
    if number_replaced > 0 and replacements[transfers.key()] then
        replacements[transfers.key()] = nil
        number_replaced = number_replaced - 1
    end
end

-- Called at the end of every request that Nginx has answered itself.
function answered(route, status)
    count(route, status)
    finished()
end

-- bytes: those to be reserved; 0: the body is small.
local function wait_for_body(reading, progress, seconds, bytes, budget)
    local transfer = transfers.hold(bytes, budget)
    if transfer then
        local watching = spawn(transfers.wait_for_body, transfer, seconds)
        ngx.thread.wait(reading, watching)
        if progress.is_over then
            return ngx.thread.kill(watching)
        end
    end
    count("", ngx.HTTP_REQUEST_TIMEOUT)
    return ngx.exit(ngx.HTTP_REQUEST_TIMEOUT) -- frees the memory at once, unlike other statuses
end

local function has_key()
    local status = ngx.location.capture("/.authorisation").status
    if status == ngx.HTTP_OK then
        return true
    elseif status == ngx.HTTP_UNAUTHORIZED then
        return refuse(status, ngx.var.key_needed)
    end
    return refuse(503, ngx.var.overload)
end

-- Whether the request may have a body of unknown length. HTTP/2 does not announce a body.
local function has_unknown_length()
    local is_http2_post = ngx.req.http_version() == 2 and ngx.req.get_method() == "POST"
    return ngx.var.http_transfer_encoding or is_http2_post
end

-- The bytes of the body; the maximum if the header does not contain them.
local function announced(largest)
    return tonumber(ngx.var.content_length) or has_unknown_length() and largest or 0
end

-- Reads the body of a request within a time limit. Nginx's own timeout restarts with each part of
-- the body, so a client could send one byte a second without end.
-- seconds: the time limit; largest: the maximum bytes of a body; budget: the maximum bytes of all
-- transfers together; needs_key: whether requests need a key.
function read_body(seconds, largest, budget, needs_key)
    if now() < full_until then
        return refuse(503, ngx.var.overload)
    end
    local bytes = announced(largest)
    if bytes > LARGE_BYTES and needs_key and not has_key() then
        return
    end
    if bytes > SMALL_BYTES and not transfers.hold(bytes, budget) then
        return refuse(503, ngx.var.overload)
    end
    local progress = { is_over = false }
    local reading = spawn(read, progress)
    if not progress.is_over then -- rare: the body was not received together with the header
        local reserved = bytes == 0 and largest or bytes > SMALL_BYTES and bytes or 0
        wait_for_body(reading, progress, seconds, reserved, budget)
    elseif bytes <= SMALL_BYTES then
        return
    end
    transfers.body_is_read(SMALL_BYTES)
end

-- The bytes of the answer, and the seconds that it may take.
local function answer_limits(pause, rate)
    local bytes = tonumber(ngx.header.content_length) or 0
    return bytes, pause + bytes / rate
end

-- Limits the memory and the time of an answer that was read from a worker.
-- pause: seconds that are added to those of the minimum rate, in bytes per second; budget: the
-- maximum bytes of all transfers together.
function answer_begins(pause, rate, budget)
    local bytes, seconds = answer_limits(pause, rate)
    if bytes > SMALL_BYTES and not transfers.answer_begins(bytes, seconds, budget) then
        count("", 503)
        local problem = ngx.var.overload
        replacements[transfers.key()] = problem
        number_replaced = number_replaced + 1
        ngx.status = 503
        ngx.header["inference-header-content-length"] = nil
        ngx.header.content_type = ngx.var.refusal_type
        ngx.header.content_length = #problem
        ngx.header.retry_after = 1
    end
end

-- Called for each part of an answer that was read from a worker.
function answer_continues()
    if number_replaced > 0 and replacements[transfers.key()] then
        ngx.arg[1], ngx.arg[2] = replacements[transfers.key()], true -- the end: drops further parts
    end
end

-- Limits the time of an answer that is a file.
function file_begins(pause, rate)
    local bytes, seconds = answer_limits(pause, rate)
    if bytes > SMALL_BYTES then
        transfers.file_begins(seconds)
    end
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
