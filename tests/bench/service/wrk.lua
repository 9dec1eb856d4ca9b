-- Posts a corpus (see corpus.py: `length\nbytes` over and over) and tells the facts as a line of JSON.
local posts, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local length = file:read("*number")
  while length do
    file:read(1)
    posts[#posts + 1] = file:read(length)
    length = file:read("*number")
  end
  file:close()
end

function request()
  at = at % #posts + 1
  return posts[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"answers": %d, "seconds": %f, "bad": %d, "broken": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
