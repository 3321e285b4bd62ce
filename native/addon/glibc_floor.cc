// For releases: exp, log and pow as glibc has had them from the beginning. glibc 2.29 gave the three new versions,
// which differ only in that they no longer call an error handler of the program's, and a program linked against it asks
// for these and does not start with 2.28. The linker sends every call, those in the static C++ library too, to the
// functions here (--wrap, CMakeLists.txt).
#include <features.h>
#if !defined(__GLIBC__)
#error "Releases for Linux are built against glibc."
#endif

#if defined(__x86_64__)
#define NIWAKI_FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define NIWAKI_FIRST_VERSION "GLIBC_2.17"
#else
#error "The first version of glibc for this processor is to be named here."
#endif

extern "C" {

double niwaki_first_exp(double x);
double niwaki_first_log(double x);
double niwaki_first_pow(double x, double y);
__asm__(".symver niwaki_first_exp, exp@" NIWAKI_FIRST_VERSION);
__asm__(".symver niwaki_first_log, log@" NIWAKI_FIRST_VERSION);
__asm__(".symver niwaki_first_pow, pow@" NIWAKI_FIRST_VERSION);

double __wrap_exp(double x) { return niwaki_first_exp(x); }
double __wrap_log(double x) { return niwaki_first_log(x); }
double __wrap_pow(double x, double y) { return niwaki_first_pow(x, y); }
}
