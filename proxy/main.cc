#include "proxy/cli/command_line.h"

int main(int argc, char** argv) { return poplar::cli::CommandLine().Run(argc, argv); }
