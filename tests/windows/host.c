/*
 * A program that opens libimpasto as image editors do, paints, closes it, and lives on:
 *
 *     host.exe C:\...\impasto.dll
 */
#include <impasto.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

enum { SIDE = 48 };

static int paint(HMODULE library)
{
    int32_t (*engine_new)(const char *, ImpastoEngine **);
    int32_t (*stylise)(const ImpastoEngine *, const ImpastoJob *, char **);
    void (*engine_free)(ImpastoEngine *);
    const char *(*last_error)(void);
    static uint8_t content[SIDE * SIDE * 3], style_pixels[SIDE * SIDE * 3], result[SIDE * SIDE * 3];
    ImpastoEngine *engine = NULL;
    ImpastoStyle style = {0};
    ImpastoJob job = {0};
    int32_t status;
    int at, painted = 0;

    *(FARPROC *)&engine_new = GetProcAddress(library, "impasto_engine_new");
    *(FARPROC *)&stylise = GetProcAddress(library, "impasto_stylise");
    *(FARPROC *)&engine_free = GetProcAddress(library, "impasto_engine_free");
    *(FARPROC *)&last_error = GetProcAddress(library, "impasto_last_error");
    if (engine_new == NULL || stylise == NULL || engine_free == NULL || last_error == NULL) {
        puts("a function is missing");
        return 0;
    }
    for (at = 0; at < SIDE * SIDE * 3; at++) {
        content[at] = (uint8_t)(at * 7);
        style_pixels[at] = (uint8_t)(at * at / 50);
        result[at] = 0;
    }
    job.struct_size = sizeof job;
    job.content.data = content;
    job.content.stride = SIDE * 3;
    job.content.width = job.content.height = SIDE;
    job.content.layout = IMPASTO_RGB;
    job.content.sample = IMPASTO_U8;
    job.output = style.picture = job.content;
    job.output.data = result;
    style.struct_size = sizeof style;
    style.picture.data = style_pixels;
    style.weight = 1;
    job.styles = &style;
    job.style_count = 1;
    job.params = "{\"iterations\": 3, \"size\": 48, \"levels\": 1}";
    status = engine_new("{\"device\": \"cpu\", \"threads\": 2}", &engine);
    if (status == IMPASTO_OK) {
        status = stylise(engine, &job, NULL);
    }
    if (status != IMPASTO_OK) {
        printf("status %d: %s\n", (int)status, last_error());
    }
    engine_free(engine);
    for (at = 0; at < SIDE * SIDE * 3; at++) {
        painted |= result[at];
    }
    return status == IMPASTO_OK && painted;
}

int wmain(int argc, wchar_t **argv)
{
    int time;

    for (time = 1; time <= 2; time++) {
        HMODULE library = argc == 2 ? LoadLibraryW(argv[1]) : NULL;
        if (library == NULL) {
            printf("LoadLibrary: error %lu\n", GetLastError());
            return 1;
        }
        if (!paint(library)) {
            return 1;
        }
        FreeLibrary(library);
        /* Threads that end now would run code that is gone. */
        Sleep(1500);
        printf("painted %d\n", time);
        fflush(stdout);
    }
    return 0;
}
