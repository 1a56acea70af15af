/* `reckoner demo-data`: writes the uploads of a made-up quarter and a manifest of what is wrong with them. */
#ifndef RECKONER_CLI_DEMO_DATA_H
#define RECKONER_CLI_DEMO_DATA_H

/* argv[0] is "demo-data". Returns the exit status: 0 done, 1 failed, 2 wrong arguments (said on standard error). */
int cli_demo_data(int argc, char **argv);

#endif
