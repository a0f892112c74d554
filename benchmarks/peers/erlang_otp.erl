%% The cases in Erlang: gen_server for what is asked, a supervisor of OTP for what is supervised.
%% erl -noshell -run erlang_otp main CASE N prints one JSON object.
-module(erlang_otp).
-behaviour(gen_server).
-export([main/1, server/1, init/1, handle_call/3, handle_cast/2]).

-define(ASKED, 100).
-define(ROUNDS, 20).
-define(WAIT_ROUNDS, 5).
-define(NAP, 10).

main([Case, Number]) ->
    logger:set_primary_config(level, none),     % its report of each crash would be timed too
    N = list_to_integer(Number),
    io:format("{\"n\": ~b, ~s}~n", [N, lists:join(", ", [field(F) || F <- measure(list_to_atom(Case), N)])]),
    halt(0, [{flush, true}]).

field({Name, Value}) -> io_lib:format("\"~s\": ~.9f", [Name, float(Value)]).

%% What is started.

server(Started) -> gen_server:start_link(?MODULE, {server, Started}, []).

init({server, none}) -> {ok, 1};
init({server, Owner}) -> Owner ! {started, self()}, {ok, 1};
init({supervise, Strategy, Children}) -> {ok, {{Strategy, 1000000000, 5}, Children}}.

child(Id, Arguments) -> {Id, {?MODULE, server, Arguments}, permanent, 5000, worker, [?MODULE]}.

supervisor(Strategy, Children) ->
    {ok, Pid} = supervisor:start_link(?MODULE, {supervise, Strategy, Children}),
    Pid.

handle_call({nap, Milliseconds}, _, Seen) -> timer:sleep(Milliseconds), {reply, ok, Seen};
handle_call(seen, _, Seen) -> {reply, Seen, Seen};
handle_call(Message, _, Seen) -> {reply, Message, Seen}.

handle_cast(count, Seen) -> {noreply, Seen + 1};
handle_cast(Divisor, Seen) -> {noreply, 1 / Divisor + Seen}.

%% The cases.

measure(spawn, N) ->
    Owner = self(),
    once(N, fun() ->
        [spawn(fun() -> Owner ! started, receive stop -> ok end end) || _ <- lists:seq(1, N)],
        [receive started -> ok end || _ <- lists:seq(1, N)]
    end);
measure(spawn_supervised, N) ->
    Pool = supervisor(simple_one_for_one, [child(server, [])]),
    once(N, fun() -> start_children(Pool, N) end);
measure(children, N) ->
    once(N, fun() -> supervisor(one_for_one, [child(I, [none]) || I <- lists:seq(1, N)]) end);
measure(memory, N) ->
    grown(N, fun() -> [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)] end);
measure(memory_supervised, N) ->
    Pool = supervisor(simple_one_for_one, [child(server, [])]),
    grown(N, fun() -> start_children(Pool, N) end);
measure(memory_used, N) ->
    Pool = supervisor(simple_one_for_one, [child(server, [])]),
    grown(N, fun() -> [gen_server:call(Pid, 1) || Pid <- start_children(Pool, N)] end);
measure(tell, N) ->
    {ok, Pid} = server(none),
    once(N, fun() -> cast(Pid, N - 1), N = gen_server:call(Pid, seen, infinity) end);
measure(ask, N) ->
    {ok, Pid} = server(none),
    trips([timed(fun() -> gen_server:call(Pid, I, infinity) end) || I <- lists:seq(1, N)]);
measure(ask_timeout, N) ->
    {ok, Pid} = server(none),
    trips([timed(fun() -> gen_server:call(Pid, I, 5000) end) || I <- lists:seq(1, N)]);
measure(ask_many, N) ->
    Servers = list_to_tuple(servers(?ASKED)),
    Targets = [element(I rem ?ASKED + 1, Servers) || I <- lists:seq(1, N)],
    rounds(N, ?ROUNDS, fun() -> gather(Targets, 1) end);
measure(fan, N) ->
    Servers = servers(N),
    rounds(N, ?ROUNDS, fun() -> gather(Servers, 1) end);
measure(wait, N) ->
    Servers = servers(N),
    rounds(N, ?WAIT_ROUNDS, fun() -> gather(Servers, {nap, ?NAP}) end);
measure(crash, N) ->
    supervisor(one_for_one, [child(fragile, [self()])]),
    trips(crashes(receive {started, Pid} -> Pid end, N)).

start_children(Pool, N) ->
    [begin {ok, Pid} = supervisor:start_child(Pool, [none]), Pid end || _ <- lists:seq(1, N)].

servers(N) -> [begin {ok, Pid} = server(none), Pid end || _ <- lists:seq(1, N)].

cast(_, 0) -> ok;
cast(Pid, N) -> gen_server:cast(Pid, count), cast(Pid, N - 1).

gather(Servers, Message) ->
    Requests = [gen_server:send_request(Pid, Message) || Pid <- Servers],
    [{reply, _} = gen_server:receive_response(Request, infinity) || Request <- Requests].

crashes(_, 0) -> [];
crashes(Pid, N) ->
    Begun = now_ns(),
    gen_server:cast(Pid, 0),
    Next = receive {started, Started} -> Started end,
    1 = gen_server:call(Next, 1),
    Time = now_ns() - Begun,
    true = Next =/= Pid,
    [Time | crashes(Next, N - 1)].

%% The figures, under the names that measure.py gives them.

now_ns() -> erlang:monotonic_time(nanosecond).

timed(Fun) -> Begun = now_ns(), Fun(), now_ns() - Begun.

once(N, Fun) ->
    Seconds = timed(Fun) / 1.0e9,
    [{seconds, Seconds}, {rate, N / Seconds}].

trips(Times) ->
    Seconds = lists:sum(Times) / 1.0e9,
    [{seconds, Seconds}, {rate, length(Times) / Seconds} | percentiles(Times)].

rounds(N, Count, Fun) ->
    Fun(),
    Times = [timed(Fun) || _ <- lists:seq(1, Count)],
    [{seconds, lists:sum(Times) / 1.0e9}, {rate, N / (percentile(Times, 0.5) / 1.0e9)} | percentiles(Times)].

grown(N, Fun) ->
    Before = resident(),
    Begun = now_ns(),
    Kept = Fun(),
    Seconds = (now_ns() - Begun) / 1.0e9,
    Bytes = (resident() - Before) / N,
    N = length(Kept),
    [{seconds, Seconds}, {bytes, Bytes}].

percentiles(Times) -> [{p50_us, percentile(Times, 0.5) / 1000}, {p99_us, percentile(Times, 0.99) / 1000}].

percentile(Times, Share) -> lists:nth(min(length(Times), trunc(Share * length(Times)) + 1), lists:sort(Times)).

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(Text, " "),
    binary_to_integer(Pages) * 4096.
