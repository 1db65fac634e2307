/// What the server does in one step each, so that no other broker comes between.
///
/// In all of them `KEYS[1]` is the store's `owner`, and `ARGV[1]` what this broker is called there: a name of its own at each
/// start. It keeps others from taking the store for `ARGV[2]` milliseconds after a broker last put its name there. When
/// nobody has it, only the one that wrote last may go on, whose name stays in `KEYS[2]`: a broker that another one has
/// followed writes nothing, however late it comes.
enum RedisScripts {
    /// Takes the store, if nobody has it: 1, else 0.
    static let acquire = """
        local owner = redis.call('GET', KEYS[1])
        if owner and owner ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """

    /// Writes records, unless another broker has the store, or has written to it since: 1, else 0.
    ///
    /// `KEYS[3]` is what tells the master key, `ARGV[3]`; like the rest it is written anew for a store that was emptied. Each
    /// further key goes with two arguments: the record, and how many milliseconds it stays; 0 deletes it.
    static let commit = """
        local last = redis.call('GET', KEYS[1]) or redis.call('GET', KEYS[2])
        if last and last ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        redis.call('SET', KEYS[2], ARGV[1])
        redis.call('SET', KEYS[3], ARGV[3], 'NX')
        for i = 4, #KEYS do
            if ARGV[2 * i - 3] == '0' then
                redis.call('DEL', KEYS[i])
            else
                redis.call('SET', KEYS[i], ARGV[2 * i - 4], 'PX', ARGV[2 * i - 3])
            end
        end
        return 1
        """

    /// Gives the store up.
    static let release = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 1
        """
}
