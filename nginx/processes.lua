-- Reloads Nginx when one of its processes has died. The number of open requests is in memory that all
-- processes share. It would count those of the dead process for ever; a reload counts anew.

local ffi = require "ffi"
local process = require "ngx.process"

ffi.cdef "int kill(int process, int signal);"
local SIGHUP = 1

local started = ngx.shared.started

return {
    -- Called when Nginx loads its configuration.
    expect = function()
        started:flush_all()
    end,

    -- Called when an Nginx process starts.
    start = function()
        local is_first = started:add(ngx.worker.id(), true)
        if not is_first then
            ngx.log(ngx.ERR, "an Nginx process has died: reloading Nginx")
            ffi.C.kill(process.get_master_pid(), SIGHUP)
        end
    end,
}
