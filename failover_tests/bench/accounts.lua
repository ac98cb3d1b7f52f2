-- GET /v1/accounts/{no}: one account after the other. wrk calls `request` for every request.
local accounts = {}
for number in string.gmatch(os.getenv("BENCH_ACCOUNTS"), "%d+") do
    accounts[#accounts + 1] = number
end
local headers = { Authorization = "Bearer " .. os.getenv("BENCH_TOKEN") }
local position = 0

local threads = 0
function setup(thread)
    threads = threads + 1
    thread:set("first", threads * 7919)
end

function init()
    position = first
end

function request()
    position = position + 1
    return wrk.format("GET", "/v1/accounts/" .. accounts[position % #accounts + 1], headers)
end
