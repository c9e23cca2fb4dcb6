/*
 * Stylises a picture with libimpasto, from C.
 *
 *     cc -std=c11 -Iinclude stylise.c -limpasto -o stylise
 *     ./stylise photo.ppm painting.ppm out.ppm '{"preset": "draft"}' '{"device": "cpu"}'
 *
 * Pictures are binary PPM files with 8 bits, which every editor can write. The job runs twice: the first
 * time it is cancelled at the third evaluation, to show how that is done.
 */
#include <impasto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a PPM file into memory that the caller frees; on failure data is NULL. */
static ImpastoPicture read_ppm(const char *path)
{
    ImpastoPicture picture = {0};
    unsigned width = 0, height = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return picture;
    }
    if (fscanf(file, "P6 %u %u 255", &width, &height) == 2 && fgetc(file) != EOF && width > 0 && height > 0 &&
        height < 100000 && width < 100000) {
        size_t bytes = (size_t)3 * width * height;
        picture.data = malloc(bytes);
        if (picture.data != NULL && fread(picture.data, 1, bytes, file) != bytes) {
            free(picture.data);
            picture.data = NULL;
        }
    }
    if (picture.data == NULL) {
        fprintf(stderr, "%s: not a PPM file that can be read\n", path);
    }
    fclose(file);
    picture.width = width;
    picture.height = height;
    picture.stride = (ptrdiff_t)3 * width;
    picture.layout = IMPASTO_RGB;
    picture.sample = IMPASTO_U8;
    return picture;
}

static int write_ppm(const char *path, const ImpastoPicture *picture)
{
    size_t bytes = (size_t)picture->stride * picture->height;
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return 0;
    }
    fprintf(file, "P6\n%u %u\n255\n", (unsigned)picture->width, (unsigned)picture->height);
    bytes = bytes - fwrite(picture->data, 1, bytes, file);
    return fclose(file) == 0 && bytes == 0;
}

/* Tells how far the job is, and cancels it at an evaluation if user_data points to its number. */
static int32_t on_progress(const ImpastoProgress *progress, void *user_data)
{
    const uint32_t *cancel_at = user_data;
    if (progress->phase == IMPASTO_OPTIMISING) {
        printf("%u of %u evaluations, loss %g, %.0f s left\n", (unsigned)progress->evaluations,
               (unsigned)progress->planned, progress->loss, progress->seconds_left);
    }
    return cancel_at != NULL && progress->evaluations >= *cancel_at;
}

/* The size [height, width] that the plan names. A host has a JSON reader of its own for this. */
static int planned_size(const char *plan, ImpastoPicture *output)
{
    unsigned height = 0, width = 0;
    const char *size = strstr(plan, "\"size\":[");
    if (size == NULL || sscanf(size, "\"size\":[%u,%u]", &height, &width) != 2) {
        return 0;
    }
    output->width = width;
    output->height = height;
    output->stride = (ptrdiff_t)3 * width;
    output->data = calloc((size_t)3 * width, height);
    return output->data != NULL;
}

static int failed(const char *what, int32_t status)
{
    fprintf(stderr, "%s: status %d: %s\n", what, (int)status, impasto_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const uint32_t third = 3;
    ImpastoEngine *engine = NULL;
    ImpastoStyle style = {0};
    ImpastoJob job = {0};
    char *plan = NULL;
    char *report = NULL;
    int32_t status;
    int result = EXIT_FAILURE;

    if (argc != 6) {
        fprintf(stderr, "usage: %s CONTENT.ppm STYLE.ppm OUT.ppm PARAMS ENGINE\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (impasto_abi() != IMPASTO_ABI) {
        fprintf(stderr, "libimpasto %s has another ABI\n", impasto_version());
        return EXIT_FAILURE;
    }
    job.struct_size = sizeof job;
    job.content = read_ppm(argv[1]);
    style.struct_size = sizeof style;
    style.picture = read_ppm(argv[2]);
    style.weight = 1;
    job.styles = &style;
    job.style_count = 1;
    job.params = argv[4];
    job.progress = on_progress;
    job.output = job.content;
    if (job.content.data == NULL || style.picture.data == NULL) {
        goto end;
    }
    status = impasto_engine_new(argv[5], &engine);
    if (status != IMPASTO_OK) {
        result = failed("engine", status);
        goto end;
    }
    status = impasto_plan(engine, &job, &plan);
    if (status != IMPASTO_OK || !planned_size(plan, &job.output)) {
        result = failed("plan", status);
        goto end;
    }

    job.user_data = (void *)(uintptr_t)&third;
    status = impasto_stylise(engine, &job, NULL);
    if (status != IMPASTO_CANCELLED) {
        result = failed("the job was not cancelled", status);
        goto end;
    }
    puts("cancelled; once more, to the end");

    job.user_data = NULL;
    status = impasto_stylise(engine, &job, &report);
    if (status != IMPASTO_OK) {
        result = failed("job", status);
        goto end;
    }
    printf("report: %zu characters\n", strlen(report));
    result = write_ppm(argv[3], &job.output) ? EXIT_SUCCESS : EXIT_FAILURE;

end:
    if (job.output.data != job.content.data) {
        free(job.output.data);
    }
    free(job.content.data);
    free(style.picture.data);
    impasto_string_free(plan);
    impasto_string_free(report);
    impasto_engine_free(engine);
    return result;
}
