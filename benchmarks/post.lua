-- wrk posts the file of its first argument with the content type of the second, and writes the
-- result as JSON. The third argument, if any, is the length of the JSON before binary tensors.

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   wrk.headers["Content-Type"] = arguments[2]
   wrk.headers["Inference-Header-Content-Length"] = arguments[3]
   file:close()
end

function done(summary, latency)
   local failures = {}
   for kind, count in pairs(summary.errors) do
      if count > 0 then
         failures[#failures + 1] = string.format('"%s":%d', kind, count)
      end
   end
   io.write(string.format(
      '\n{"answers":%d,"seconds":%f,"failures":{%s},"p50_ms":%f,"p99_ms":%f}\n',
      summary.requests,
      summary.duration / 1e6,
      table.concat(failures, ","),
      latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3
   ))
end
