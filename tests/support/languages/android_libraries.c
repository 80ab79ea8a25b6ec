/* The functions that the Java binding of ONNX Runtime's Android package takes from Android's libraries and
   from the library of its own version, with the versions of their symbols. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
int __cxa_atexit(void (*)(void *), void *, void *);
void __cxa_finalize(void *);
int __register_atfork(Function, Function, Function, void *);

#define VERSION(name, version) __asm__(".symver own_" #name "," #name "@" version)
#define FORWARD(name, result, parameters, ...)                                                      \
    result own_##name parameters { return name(__VA_ARGS__); }                                      \
    VERSION(name, "LIBC")

FORWARD(malloc, void *, (size_t size), size);
FORWARD(realloc, void *, (void *old, size_t size), old, size);
FORWARD(free, void, (void *memory), memory);
FORWARD(memcpy, void *, (void *to, const void *from, size_t size), to, from, size);
FORWARD(strlen, size_t, (const char *text), text);
FORWARD(dlclose, int, (void *library), library);
FORWARD(__cxa_atexit, int, (void (*end)(void *), void *with, void *of), end, with, of);
FORWARD(__cxa_finalize, void, (void *of), of);
FORWARD(__register_atfork, int, (Function a, Function b, Function c, void *of), a, b, c, of);

void own___stack_chk_fail(void) { abort(); }
VERSION(__stack_chk_fail, "LIBC");

const void *own_OrtGetApiBase(void) {
    const void *(*found)(void) = dlsym(dlopen(LIBRARY, RTLD_NOW), "OrtGetApiBase");
    return found();
}
VERSION(OrtGetApiBase, "VERS_1.29.0");

/* Providers that the programs do not ask for. */
void own_OrtSessionOptionsAppendExecutionProvider_CPU(void) { abort(); }
VERSION(OrtSessionOptionsAppendExecutionProvider_CPU, "VERS_1.29.0");
void own_OrtSessionOptionsAppendExecutionProvider_Nnapi(void) { abort(); }
VERSION(OrtSessionOptionsAppendExecutionProvider_Nnapi, "VERS_1.29.0");
