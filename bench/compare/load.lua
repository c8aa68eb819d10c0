-- For wrk: sends the requests of a work in turn, and counts answers that are not as they were when they were checked.
local work = dofile(os.getenv("WORK"))
local threads, sent, prefix = {}, 0, os.getenv("KEYS")
local requests = {}

function setup(thread) table.insert(threads, thread) end

local function header(ask)
    local headers = { ["Content-Type"] = "application/json" }
    if ask.token then headers["Authorization"] = "Bearer " .. ask.token end
    return headers
end

function init()
    bad = 0
    first_bad = ""
    for place, ask in ipairs(work.asks) do requests[place] = wrk.format("POST", "/graphql", header(ask), ask.body) end
end

function request()
    sent = sent + 1
    local place = (sent - 1) % #work.asks + 1
    if not work.unique then return requests[place] end
    local ask = work.asks[place]
    return wrk.format("POST", "/graphql", header(ask), (ask.body:gsub("@KEY@", prefix .. sent)))
end

function response(status, _, body)
    if status ~= 200 or not work.lengths[#body] then
        bad = bad + 1
        if first_bad == "" then first_bad = status .. " " .. #body .. " bytes: " .. body:sub(1, 300) end
    end
end

function done(summary, latency)
    local wrong, told = 0, ""
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("bad")
        told = told .. thread:get("first_bad")
    end
    local errors = summary.errors
    wrong = wrong + errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format("\nRESULT %d %d %d %d %d %s\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrong, told))
end
