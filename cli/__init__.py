"""The command line, one file a verb family.

In reading order; a file imports only from those above it.

    failures      the exit codes, and every error as lines
    text          what may be shown on a terminal
    shared        arguments and options that several verbs have
    tree          the argument TREE: a file, or a tree of the library
    options       what the words behind an option mean
    outcomes      an outcome as JSON, as text, and as an exit code
    logs          the log on stderr
    interrupts    SIGINT and SIGTERM
    lines         requests from a pipe
    activity      what the agents are doing at present
    board         the drawing of the living tree
    prompt        the line that is being typed
    terminal      keys
    session       a tree that runs: for one task, or as a daemon
    screens       where a daemon's answers go: JSON lines, or text
    commands      what the commands of the live view share
    cases         `/desk`
    letters       `/dlq`
    live          board and prompt on a terminal
    check         `treeward check`
    show          `treeward show`, `treeward schema`
    new           `treeward new`, from templates/
    plans         the argument PLAN, and seeds
    loose         `--faults`
    run           `treeward run`
    halt          SIGINT and SIGTERM, for work in steps
    progress      how far a campaign is
    trials        what the verbs of chaos do
    chaos         `treeward chaos`
    app           the verbs put together
    main          where a process begins
"""
