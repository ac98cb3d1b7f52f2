"""The load of a drill: clients that send at fixed times, whatever the answers do."""
