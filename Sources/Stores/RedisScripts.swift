/// What the server does in one step each, so that no other broker comes between.
///
/// `now` is the server's clock, in microseconds. All brokers that have a prefix run these, none of them first.
enum RedisScripts {
    /// Begins another epoch when the server is behind what a broker knows, or knows none: it has lost something.
    ///
    /// `KEYS[1]` is the feed's number, `KEYS[2]` the epoch; `ARGV[1]` what this broker is called, `ARGV[2]` the number of the
    /// last commit that it knows of.
    private static let epoch = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local number, epoch = tonumber(redis.call('GET', KEYS[1]) or '0'), redis.call('GET', KEYS[2])
        if not epoch or number < tonumber(ARGV[2]) then
            number, epoch = math.max(number, tonumber(ARGV[2])), ARGV[1] .. string.format('%.0f', now)
            redis.call('SET', KEYS[1], string.format('%.0f', number))
            redis.call('SET', KEYS[2], epoch)
        end

        """

    /// Writes records, ends claims, and has the others learn of it: answers the number of the last entry in the feed, the
    /// epoch, and 1 if that entry is this commit's.
    ///
    /// `KEYS`: as for ``epoch``, what tells the master key, the feed, the records, the ended claims.
    /// `ARGV`: as for ``epoch``, what tells the master key, how many records; for each record itself and how many
    /// milliseconds it stays, 0 deletes it; for each claim its fencing number and the record it brought, or nothing.
    ///
    /// The comparison with what is there is what makes a broker harmless that went on long after its claim.
    static let commit =
        epoch + """
            redis.call('SET', KEYS[3], ARGV[3], 'NX')
            local count = tonumber(ARGV[4])
            local names = {}
            for i = 1, count do
                local key, sealed, stays = KEYS[4 + i], ARGV[3 + 2 * i], ARGV[4 + 2 * i]
                if stays == '0' then
                    redis.call('DEL', key)
                else
                    redis.call('SET', key, sealed, 'PX', stays)
                    names[#names + 1] = key
                end
            end
            for i = 1, #KEYS - 4 - count do
                local place = count + i
                local key, fence, token = KEYS[4 + place], ARGV[3 + 2 * place], ARGV[4 + 2 * place]
                local held = redis.call('HMGET', key, 'owner', 'fence', 'landed')
                if held[1] == ARGV[1] and held[2] == fence then redis.call('HDEL', key, 'owner', 'until') end
                if token ~= '' and tonumber(fence) > tonumber(held[3] or '0') then
                    redis.call('HSET', key, 'landed', fence, 'token', token)
                    if tonumber(held[2] or '0') < tonumber(fence) then redis.call('HSET', key, 'fence', fence) end
                    redis.call('PEXPIRE', key, 86400000)
                end
            end
            if #names == 0 then return {number, epoch, 0} end
            number = number + 1
            redis.call('SET', KEYS[1], string.format('%.0f', number))
            redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, string.format('%.0f-0', number),
                'by', ARGV[1], 'keys', table.concat(names, ' '))
            return {number, epoch, 1}
            """

    /// Gives one broker the right to do something, within the budget that all of them share.
    ///
    /// `KEYS`: as for ``epoch``, the claim, the budget if there is one. `ARGV`: as for ``epoch``, the epoch that this broker
    /// knows, the lease in milliseconds, the highest fencing number that it knows, then what a mint takes, what may be owed
    /// before it, and what is owed as far as this broker knows, which may be more when it was alone for a while: these in
    /// microseconds.
    ///
    /// A claim that the server does not know begins with the time in milliseconds, which is above every number before.
    ///
    /// Answers `granted` with a fencing number and what is owed in microseconds; `newer` with the number of a token and
    /// its record; `held` with how many milliseconds it is another's; `spent` with what is owed; or `lost` when the server
    /// does not know what it did.
    static let claim =
        epoch + """
            if epoch ~= ARGV[3] then return {'lost'} end
            local known, lease = tonumber(ARGV[5]), tonumber(ARGV[4])
            local held = redis.call('HMGET', KEYS[3], 'owner', 'until', 'fence', 'landed', 'token')
            if held[4] and tonumber(held[4]) > known then return {'newer', tonumber(held[4]), held[5]} end
            if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) > now then
                return {'held', math.ceil((tonumber(held[2]) - now) / 1000)}
            end
            local debt = 0
            if KEYS[4] then
                local full = redis.call('GET', KEYS[4])
                debt = math.max(0, full and tonumber(full) - now or 0, tonumber(ARGV[8]))
                if debt > tonumber(ARGV[7]) then return {'spent', math.ceil(debt)} end
                debt = debt + tonumber(ARGV[6])
                redis.call('SET', KEYS[4], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000) + 86400000)
            end
            local fence = math.max(known, tonumber(held[3] or math.floor(now / 1000))) + 1
            redis.call('HSET', KEYS[3], 'owner', ARGV[1], 'until', string.format('%.0f', now + lease * 1000),
                'fence', string.format('%.0f', fence))
            redis.call('PEXPIRE', KEYS[3], lease + 86400000)
            return {'granted', fence, math.ceil(debt)}
            """

    /// Keeps a claim for longer: 1 if it is still this broker's, else 0.
    ///
    /// `KEYS`: the claim. `ARGV`: what this broker is called, the fencing number, the lease in milliseconds.
    static let renew = """
        local held = redis.call('HMGET', KEYS[1], 'owner', 'fence')
        if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + tonumber(ARGV[3]) * 1000))
        return 1
        """

    /// Says that a broker is there, and who else is: answers the feed's number, the epoch, the time in milliseconds since
    /// 1970, and for each broker its name and up to when it has kept all that it did, 0 if that was in another epoch.
    ///
    /// `KEYS`: as for ``epoch``, the members, what they have seen, what they have told. `ARGV`: as for ``epoch``, for how many
    /// microseconds this broker then counts as being there, up to which number it has seen the feed, in which epoch it has
    /// kept all that it did, and up to when.
    static let join =
        epoch + """
            for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))) do
                redis.call('ZREM', KEYS[3], gone)
                redis.call('HDEL', KEYS[4], gone)
                redis.call('HDEL', KEYS[5], gone)
            end
            if ARGV[5] == epoch then redis.call('HSET', KEYS[5], ARGV[1], ARGV[6] .. ' ' .. epoch) end
            redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
            redis.call('HSET', KEYS[4], ARGV[1], ARGV[4])
            local answer = {number, epoch, math.floor(now / 1000)}
            for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
                local told, when = string.match(redis.call('HGET', KEYS[5], name) or '', '^(%d+) (.*)$')
                answer[#answer + 1] = name
                answer[#answer + 1] = when == epoch and tonumber(told) or 0
            end
            return answer
            """

    /// Says that a broker has gone.
    static let leave = """
        redis.call('ZREM', KEYS[1], ARGV[1])
        redis.call('HDEL', KEYS[2], ARGV[1])
        redis.call('HDEL', KEYS[3], ARGV[1])
        return 1
        """

    /// Whether every other broker has seen the feed up to a number: those that are there, and those that are known: 1, else 0.
    ///
    /// `KEYS`: the members, what they have seen. `ARGV`: the number, what this broker is called, what the known are called.
    static let seen = """
        local time = redis.call('TIME')
        local now = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
        local names = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')
        for i = 3, #ARGV do names[#names + 1] = ARGV[i] end
        for _, name in ipairs(names) do
            local seen = redis.call('HGET', KEYS[2], name) or '0'
            if name ~= ARGV[2] and tonumber(seen) < tonumber(ARGV[1]) then return 0 end
        end
        return 1
        """

    /// Puts what was sealed anew in the place of what it was, unless that has changed meanwhile: 1, else 0.
    ///
    /// `KEYS`: the old record, the new. `ARGV`: what the old was, what the new is, how many milliseconds it stays.
    static let move = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
        return 1
        """
}
