#include "cli/cli.h"

int main(int argc, char** argv) { return levelkeep::cli::Main(argc, argv); }
