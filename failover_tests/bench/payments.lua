-- POST /v1/payments: a fresh Idempotency-Key and serial each. wrk calls `request` for every request.
local accounts = {}
for number in string.gmatch(os.getenv("BENCH_ACCOUNTS"), "%d+") do
    accounts[#accounts + 1] = number
end
local run = os.getenv("BENCH_RUN")
local amount_fen = os.getenv("BENCH_AMOUNT_FEN")
local headers = {
    ["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN"),
    ["Content-Type"] = "application/json",
}
local position = 0

local threads = 0
function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

function init()
    position = number * 7919
end

function request()
    position = position + 1
    local serial = run .. "-" .. number .. "-" .. position
    headers["Idempotency-Key"] = serial
    local body = string.format(
        '{"account_no":"%s","amount_fen":%s,"channel":"bank","channel_serial":"%s"}',
        accounts[position % #accounts + 1], amount_fen, serial
    )
    return wrk.format("POST", "/v1/payments", headers, body)
end
