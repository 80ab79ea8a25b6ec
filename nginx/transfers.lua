-- Bodies that clients are sending and answers that they are reading: their memory and their time.
-- While memory is short, the transfer that is furthest behind is ended to make room for a new one.

local ffi = require "ffi"
local current_request = require("resty.core.base").get_request
local semaphore = require "ngx.semaphore"

ffi.cdef [[
    extern volatile uintptr_t ngx_current_msec;
    typedef struct { void *data, *read, *write; int socket; } transfers_connection;
    typedef struct { uint32_t signature; transfers_connection *connection; } transfers_request;
    int shutdown(int socket, int how);
    int setsockopt(int socket, int level, int name, const void *value, uint32_t length);
]]
local request_type = ffi.typeof "transfers_request *"
local SOL_SOCKET, SO_LINGER, SHUT_RDWR = 1, 13, 2
local NO_LINGER = ffi.new("int[2]", 1, 0)

-- While memory is short, a transfer of any size should take this time, and make steady progress.
local PACE_SECONDS = 4
-- A transfer that is behind by less than this share of its bytes is not ended.
local TOLERANCE = 0.05
local SECONDS_BETWEEN_LOOKS = 0.25
-- A wait of less than a millisecond does not yield, and the clock stands still until it does.
local SHORTEST_WAIT = 0.002
-- Comparing all of thousands of transfers would take too long.
local MAXIMUM_COMPARED = 16

local transfers = {}

-- by_request has all transfers, `movable` those that can be ended.
local by_request, movable = {}, {}
local number_held, bytes_held = 0, 0

-- Seconds of the clock of Nginx's own timers. ngx.now would jump with the wall clock.
local function now()
    return tonumber(ffi.C.ngx_current_msec) / 1000
end
transfers.now = now

local function key()
    return tonumber(ffi.cast("uintptr_t", current_request()))
end
transfers.key = key

local function forbid_end(transfer)
    local place = transfer.place
    if place then
        local last = table.remove(movable)
        if last ~= transfer then
            movable[place], last.place = last, place
        end
    end
end

local function remove(transfer)
    if by_request[transfer.key] == transfer then
        forbid_end(transfer)
        by_request[transfer.key] = nil
        number_held = number_held - 1
        bytes_held = bytes_held - transfer.bytes
    end
end

local function add(transfer)
    by_request[transfer.key] = transfer
    number_held = number_held + 1
    bytes_held = bytes_held + transfer.bytes
    return transfer
end

local function make_movable(transfer)
    movable[#movable + 1] = transfer
    transfer.place = #movable
    transfer.started = now()
    transfer.done = 0
end

local function finish(transfer)
    remove(transfer)
    if transfer.ended then
        transfer.ended:post()
    else
        ffi.C.setsockopt(transfer.socket, SOL_SOCKET, SO_LINGER, NO_LINGER, ffi.sizeof(NO_LINGER))
        ffi.C.shutdown(transfer.socket, SHUT_RDWR)
    end
end

local function furthest_behind(own)
    local worst, least = nil, -TOLERANCE
    local first = #movable > MAXIMUM_COMPARED and math.random(#movable) or 1
    for i = first, first + math.min(#movable, MAXIMUM_COMPARED) - 1 do
        local transfer = movable[(i - 1) % #movable + 1]
        local lead = transfer.done / transfer.bytes - (now() - transfer.started) / PACE_SECONDS
        if lead < least and transfer.key ~= own then
            worst, least = transfer, lead
        end
    end
    return worst
end

-- Reserves memory for this request, instead of what it has reserved before. Returns nil if there is
-- none. A single transfer may exceed the budget.
function transfers.hold(bytes, budget)
    local own = key()
    local before = by_request[own]
    local others = bytes_held - (before and before.bytes or 0)
    local limit = math.max(budget, bytes)
    while bytes > 0 and others + bytes > limit do
        local worst = furthest_behind(own)
        if not worst then
            return nil
        end
        others = others - worst.bytes
        finish(worst)
    end
    if before then
        remove(before)
    end
    return add({ key = own, bytes = bytes })
end

-- Waits until the body is read, for at most `seconds`, or until the transfer is ended.
function transfers.wait_for_body(transfer, seconds)
    local deadline = now() + seconds
    local length_before = tonumber(ngx.var.request_length)
    transfer.ended = semaphore.new()
    if transfer.bytes > 0 then
        make_movable(transfer)
    end
    repeat
        local wait = math.min(SECONDS_BETWEEN_LOOKS, deadline - now())
        if transfer.ended:wait(math.max(SHORTEST_WAIT, wait)) then
            return
        end
        transfer.done = tonumber(ngx.var.request_length) - length_before
    until now() >= deadline
end

-- The body has arrived: the transfer cannot be ended until its answer begins. A body of at most
-- `uncounted` bytes is not counted any more.
function transfers.body_is_read(uncounted)
    local transfer = by_request[key()]
    if transfer then
        remove(transfer)
        local bytes = tonumber(ngx.var.request_length)
        if bytes > uncounted then
            add({ key = transfer.key, bytes = bytes })
        end
    end
end

local function limit_time(transfer, seconds)
    local request = ffi.cast(request_type, current_request())
    transfer.socket = request.connection.socket
    transfer.deadline = now() + seconds
end

-- The answer is read from a worker as a whole. Returns whether there is memory for it.
function transfers.answer_begins(bytes, seconds, budget)
    local before = by_request[key()]
    local transfer = transfers.hold(bytes + (before and before.bytes or 0), budget)
    if transfer then
        limit_time(transfer, seconds)
        make_movable(transfer)
    end
    return transfer ~= nil
end

-- The answer is a file, which takes no memory.
function transfers.file_begins(seconds)
    limit_time(add({ key = key(), bytes = 0 }), seconds)
end

-- Called at the end of every request.
function transfers.release()
    if number_held > 0 then
        local transfer = by_request[key()]
        if transfer then
            remove(transfer)
        end
    end
end

local function end_late_answers()
    for _, transfer in pairs(by_request) do
        if transfer.deadline and now() >= transfer.deadline then
            finish(transfer) -- removes only this entry, which is allowed in a loop
        end
    end
end

-- Called at the start of each Nginx process.
function transfers.limit_answers()
    ngx.timer.every(1, end_late_answers)
end

return transfers
