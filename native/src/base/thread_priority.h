// Work that may wait: threads that the system runs only where nobody else wants the processor much.
#pragma once

namespace niwaki {

// Lowers the calling thread for good, as it can't be raised again without privileges on all systems: on Linux by 10
// nice values (a tenth of what a busy neighbour gets), on macOS to the class "utility", on Windows to "lowest". Best
// effort: a thread that cannot be lowered runs as it is.
void LowerThisThread();

}  // namespace niwaki
