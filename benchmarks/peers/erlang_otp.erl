%% The cases in Erlang: gen_server for what is asked, a supervisor of OTP for what is supervised.
%% erl -noshell -run erlang_otp main CASE N prints one JSON object.
-module(erlang_otp).
-behaviour(gen_server).
-export([main/1, server/1, layer/1, init/1, handle_call/3, handle_cast/2]).

-define(ASKED, 100).
-define(ROUNDS, 20).
-define(WAIT_ROUNDS, 5).
-define(NAP, 10).
-define(DEPTH, 4).

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

layer(Children) -> supervisor:start_link(?MODULE, {supervise, one_for_one, Children}).

child(Id, Arguments) -> {Id, {?MODULE, server, Arguments}, permanent, 5000, worker, [?MODULE]}.

supervisor(Strategy, Children) ->
    {ok, Pid} = supervisor:start_link(?MODULE, {supervise, Strategy, Children}),
    Pid.

%% N children under so many layers of supervisors, each above Width at most.
layered(N, _, 1) -> [child(I, [self()]) || I <- lists:seq(1, N)];
layered(N, Width, Depth) ->
    Sizes = [N div Width + min(1, max(0, N rem Width - I)) || I <- lists:seq(0, min(N, Width) - 1)],
    [{I, {?MODULE, layer, [layered(Size, Width, Depth - 1)]}, permanent, infinity, supervisor, [?MODULE]}
     || {I, Size} <- lists:zip(lists:seq(1, length(Sizes)), Sizes)].

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
    trips(crashes(receive {started, Pid} -> Pid end, N));
measure(storm, N) ->
    storm(N, layered(N, N, 1));
measure(storm_tree, N) ->
    storm(N, layered(N, ceil(round(math:pow(N, 1 / ?DEPTH) * 1.0e6) / 1.0e6), ?DEPTH));
measure(group_all, N) ->
    group(N, one_for_all, 0);
measure(group_rest, N) ->
    group(N, rest_for_one, N div 2);
measure(life, N) ->
    once(N, fun() ->
        Supervisor = supervisor(one_for_one, [child(I, [none]) || I <- lists:seq(1, N)]),
        [I = gen_server:call(Pid, I) || {I, Pid, _, _} <- supervisor:which_children(Supervisor)],
        unlink(Supervisor),
        Monitor = monitor(process, Supervisor),
        exit(Supervisor, shutdown),
        receive {'DOWN', Monitor, process, _, _} -> ok end
    end);
measure(dynamic, N) ->
    Pool = supervisor(simple_one_for_one, [child(server, [])]),
    once(N, fun() -> [ok = supervisor:terminate_child(Pool, Pid) || Pid <- start_children(Pool, N)] end);
measure(dynamic_few, N) ->
    measure(dynamic, N).

storm(N, Children) ->
    supervisor(one_for_one, Children),
    Pids = started(N),
    once(N, fun() -> [gen_server:cast(Pid, 0) || Pid <- Pids], started(N) end).

group(N, Strategy, Dies) ->
    supervisor(Strategy, [child(I, [self()]) || I <- lists:seq(1, N)]),
    put(group, started(N)),
    rounds(N - Dies, ?ROUNDS, fun() ->
        {Stay, [First | _]} = lists:split(Dies, get(group)),
        gen_server:cast(First, 0),
        put(group, Stay ++ started(N - Dies))
    end).

%% Who has started, in that order.
started(N) -> [receive {started, Pid} -> Pid end || _ <- lists:seq(1, N)].

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
