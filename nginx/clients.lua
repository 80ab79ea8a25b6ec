-- What Nginx itself cannot do: time a whole body, and take its time to refuse.

local read_all, spawn, sleep = ngx.req.read_body, ngx.thread.spawn, ngx.sleep

-- For so long after the workers' queue was found full it is taken as full: it cannot empty in it.
local SECONDS_FULL = 0.005
local full_until = 0

local function read(progress)
    read_all()
    progress.is_over = true
end

local function sleep_for(seconds)
    sleep(seconds)
end

-- Reads a request's body within a time. Nginx only knows the time between two parts of it, so that
-- a client could send one byte a second for ever.
function read_body(seconds)
    if ngx.now() < full_until then
        return ngx.exec("/.problem/503")
    end
    local progress = { is_over = false }
    local reading = spawn(read, progress)
    if progress.is_over then -- it had come with the header, as nearly always
        return
    end
    local timer = spawn(sleep_for, seconds)
    ngx.thread.wait(reading, timer)
    if not progress.is_over then
        return ngx.exit(ngx.HTTP_REQUEST_TIMEOUT)
    end
    ngx.thread.kill(timer)
end

-- Answers with the problem, a moment later: who asks again at once must not take the time that the
-- workers need.
function refuse(status, seconds)
    local problem = ngx.var.problem
    if ngx.var.overloaded ~= "" then -- the queue was really asked
        full_until = ngx.now() + SECONDS_FULL
    end
    sleep(seconds)
    ngx.status = status
    ngx.header.content_length = #problem
    ngx.print(problem)
end
