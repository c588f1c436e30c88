// The router's decisions: a pure state machine, event in, directives out.
