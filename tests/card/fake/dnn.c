/*
 * cuDNN, as far as ONNX Runtime's provider calls it: convolutions through the graph interface (cudnnBackend…), with two engines
 * that can do all of them, the first on tensor cores, and the rest through the older one. NCHW, float32.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { OK = 0, NOT_SUPPORTED = 3000 };

size_t cudnnGetVersion(void) { return 92600; }
size_t cudnnGetCudartVersion(void) { return 13000; }
const char *cudnnGetErrorString(int status) { return status == OK ? "CUDNN_STATUS_SUCCESS" : "CUDNN_STATUS_NOT_SUPPORTED"; }

void cudnnGetLastErrorString(char *text, size_t size)
{
    if (size > 0) *text = 0;
}

/* A handle knows its stream only to tell it. */
int cudnnCreate(void ***handle)
{
    *handle = calloc(1, sizeof **handle);
    return OK;
}

int cudnnDestroy(void **handle)
{
    free(handle);
    return OK;
}

int cudnnSetStream(void **handle, void *stream)
{
    *handle = stream;
    return OK;
}

int cudnnGetStream(void **handle, void **stream)
{
    *stream = *handle;
    return OK;
}

/* The older interface */

struct tensor {
    int rank, dims[8];
};
struct pooling {
    int mode, rank, window[8], padding[8], stride[8];
};

int cudnnCreateTensorDescriptor(void **made) { *made = calloc(1, sizeof(struct tensor)); return OK; }
int cudnnCreateFilterDescriptor(void **made) { *made = calloc(1, sizeof(struct tensor)); return OK; }
int cudnnCreatePoolingDescriptor(void **made) { *made = calloc(1, sizeof(struct pooling)); return OK; }
int cudnnCreateConvolutionDescriptor(void **made) { *made = calloc(1, 64); return OK; }
int cudnnDestroyTensorDescriptor(void *made) { free(made); return OK; }
int cudnnDestroyFilterDescriptor(void *made) { free(made); return OK; }
int cudnnDestroyPoolingDescriptor(void *made) { free(made); return OK; }
int cudnnDestroyConvolutionDescriptor(void *made) { free(made); return OK; }

int cudnnSetTensorNdDescriptor(struct tensor *tensor, int type, int rank, const int *dims, const int *strides)
{
    (void)strides;
    if (type != 0 || rank > 8) return NOT_SUPPORTED;
    tensor->rank = rank;
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    return OK;
}

static uint64_t values(const struct tensor *tensor)
{
    uint64_t count = 1;
    for (int axis = 0; axis < tensor->rank; axis++) count *= tensor->dims[axis];
    return count;
}

/* y = α b + β y, where b has one value for each channel */
int cudnnAddTensor(void *handle, const float *alpha, const struct tensor *b_shape, const float *b, const float *beta,
                   const struct tensor *y_shape, float *y)
{
    (void)handle;
    int64_t channels = y_shape->dims[1], count = values(y_shape), plane = count / y_shape->dims[0] / channels;
    if ((int64_t)values(b_shape) != channels || b_shape->dims[1] != channels) return NOT_SUPPORTED;
    if (fake_kernel(__func__, 8 * count, 0))
        for (int64_t at = 0; at < count; at++) y[at] = *alpha * b[at / plane % channels] + *beta * y[at];
    return OK;
}

int cudnnSetPoolingNdDescriptor(struct pooling *pooling, int mode, int nan, int rank, const int *window, const int *padding,
                                const int *stride)
{
    (void)nan;
    *pooling = (struct pooling){.mode = mode, .rank = rank};
    memcpy(pooling->window, window, rank * sizeof *window);
    memcpy(pooling->padding, padding, rank * sizeof *padding);
    memcpy(pooling->stride, stride, rank * sizeof *stride);
    return OK;
}

int cudnnPoolingForward(void *handle, const struct pooling *pooling, const float *alpha, const struct tensor *x_shape, const float *x,
                        const float *beta, const struct tensor *y_shape, float *y)
{
    (void)handle;
    bool most = pooling->mode == 0 || pooling->mode == 3;
    if (pooling->rank != 2 || x_shape->rank != 4 || *alpha != 1 || *beta != 0) return NOT_SUPPORTED;
    if (pooling->padding[0] != 0 || pooling->padding[1] != 0) return NOT_SUPPORTED;
    int64_t in_height = x_shape->dims[2], in_width = x_shape->dims[3], height = y_shape->dims[2], width = y_shape->dims[3];
    int64_t planes = (int64_t)x_shape->dims[0] * x_shape->dims[1];
    if (fake_kernel(__func__, 4 * (values(x_shape) + values(y_shape)), 0))
        for (int64_t at = 0; at < planes * height * width; at++) {
            int64_t left = at % width * pooling->stride[1], top = at / width % height * pooling->stride[0];
            const float *plane = x + at / width / height * in_height * in_width;
            float value = most ? -INFINITY : 0;
            int64_t seen = 0;
            for (int64_t row = top; row < top + pooling->window[0] && row < in_height; row++)
                for (int64_t column = left; column < left + pooling->window[1] && column < in_width; column++, seen++) {
                    float one = plane[row * in_width + column];
                    value = most ? (one > value ? one : value) : value + one;
                }
            y[at] = most ? value : value / (float)seen;
        }
    return OK;
}

int cudnnCreateReduceTensorDescriptor(void **made) { *made = calloc(1, sizeof(int)); return OK; }
int cudnnDestroyReduceTensorDescriptor(void *made) { free(made); return OK; }

int cudnnSetReduceTensorDescriptor(int *how, int operation)
{
    *how = operation;
    return OK;
}

int cudnnGetReductionWorkspaceSize(void *handle, const void *how, const void *a_shape, const void *c_shape, size_t *size)
{
    (void)handle, (void)how, (void)a_shape, (void)c_shape;
    *size = 0;
    return OK;
}

int cudnnGetReductionIndicesSize(void *handle, const void *how, const void *a_shape, const void *c_shape, size_t *size)
{
    return cudnnGetReductionWorkspaceSize(handle, how, a_shape, c_shape, size);
}

/* C: the sum of A over the axes on which C has one place */
int cudnnReduceTensor(void *handle, const int *how, void *indices, size_t indices_size, void *workspace, size_t workspace_size,
                      const float *alpha, const struct tensor *a_shape, const float *a, const float *beta,
                      const struct tensor *c_shape, float *c)
{
    (void)handle, (void)indices, (void)indices_size, (void)workspace, (void)workspace_size;
    if (*how != 0 || *alpha != 1 || *beta != 0 || a_shape->rank != c_shape->rank) return NOT_SUPPORTED;
    if (fake_kernel(__func__, 4 * (values(a_shape) + values(c_shape)), 0)) {
        memset(c, 0, values(c_shape) * sizeof *c);
        for (uint64_t at = 0; at < values(a_shape); at++) {
            uint64_t rest = at, to = 0, step = 1;
            for (int axis = a_shape->rank - 1; axis >= 0; axis--) {
                uint64_t place = rest % a_shape->dims[axis];
                rest /= a_shape->dims[axis];
                if (c_shape->dims[axis] > 1) to += place * step;
                step *= c_shape->dims[axis];
            }
            c[to] += a[at];
        }
    }
    return OK;
}

/* The graph interface: descriptors are lists of attributes. The numbers are those of cudnn_graph.h. */

enum { TYPE_HANDLE = 0, TYPE_BOOLEAN = 2, TYPE_INT64 = 3, TYPE_DOUBLE = 5, TYPE_POINTER = 6, TYPE_DESCRIPTOR = 15, TYPE_CHAR = 24, TYPE_FRACTION = 26 };
enum { ENGINE = 2, CONVOLUTION_FORWARD = 10 };
enum {
    DILATIONS = 102,
    STRIDES = 103,
    PADDING_BEFORE = 105,
    HEURISTIC_GRAPH = 201,
    HEURISTIC_RESULTS = 202,
    CHOICE_ENGINE = 300,
    CHOICE_KNOBS = 302,
    CHOICE_SHARED_MEMORY = 304,
    PLAN_CHOICE = 401,
    PLAN_WORKSPACE = 402,
    FORWARD_CONVOLUTION = 702,
    FORWARD_W = 703,
    FORWARD_X = 704,
    FORWARD_Y = 705,
    GRAPH_OPERATIONS = 801,
    TENSOR_DIMENSIONS = 902,
    TENSOR_STRIDES = 903,
    TENSOR_ID = 906,
    PACK_IDS = 1000,
    PACK_POINTERS = 1001,
    ENGINE_GRAPH = 1300,
    ENGINE_INDEX = 1301,
    ENGINE_NUMERICAL_NOTES = 1303,
};
enum { TENSOR_CORE = 0 };

struct attribute {
    int name;
    int64_t count;
    void *values;
    struct attribute *next;
};
struct descriptor {
    int type;
    struct attribute *attributes;
};

static size_t size_of(int type)
{
    switch (type) {
    case TYPE_HANDLE:
    case TYPE_INT64:
    case TYPE_DOUBLE:
    case TYPE_POINTER:
    case TYPE_DESCRIPTOR:
    case TYPE_FRACTION: return 8;
    case TYPE_BOOLEAN:
    case TYPE_CHAR: return 1;
    default: return 4;
    }
}

static struct attribute *get(const struct descriptor *descriptor, int name)
{
    struct attribute *at = descriptor ? descriptor->attributes : NULL;
    while (at && at->name != name) at = at->next;
    return at;
}

static void put(struct descriptor *descriptor, int name, int64_t count, size_t size, const void *values)
{
    struct attribute *attribute = get(descriptor, name);
    if (!attribute) {
        attribute = calloc(1, sizeof *attribute);
        *attribute = (struct attribute){.name = name, .next = descriptor->attributes};
        descriptor->attributes = attribute;
    }
    attribute->count = count;
    attribute->values = realloc(attribute->values, count * size + 1);
    memcpy(attribute->values, values, count * size);
}

static struct descriptor *part(const struct descriptor *descriptor, int name)
{
    struct attribute *attribute = get(descriptor, name);
    return attribute && attribute->count > 0 ? *(struct descriptor **)attribute->values : NULL;
}

static const int64_t *numbers(const struct descriptor *descriptor, int name)
{
    struct attribute *attribute = get(descriptor, name);
    return attribute ? attribute->values : NULL;
}

int cudnnBackendCreateDescriptor(int type, struct descriptor **made)
{
    *made = calloc(1, sizeof **made);
    (*made)->type = type;
    return OK;
}

/* Others may still point there, so it is kept: there are few. */
int cudnnBackendDestroyDescriptor(struct descriptor *descriptor)
{
    (void)descriptor;
    return OK;
}

int cudnnBackendFinalize(struct descriptor *descriptor)
{
    (void)descriptor;
    return OK;
}

int cudnnBackendSetAttribute(struct descriptor *descriptor, int name, int type, int64_t count, const void *values)
{
    put(descriptor, name, count, size_of(type), values);
    return OK;
}

static int number(int64_t *count, void *to, size_t size, int64_t value)
{
    *count = 1;
    if (to) memcpy(to, &value, size);
    return OK;
}

int cudnnBackendGetAttribute(const struct descriptor *descriptor, int name, int type, int64_t room, int64_t *count, void *to)
{
    int64_t unasked;
    if (!count) count = &unasked;
    switch (name) {
    case HEURISTIC_RESULTS:
        *count = 2;
        for (int64_t index = 0; to && index < room && index < 2; index++) {
            struct descriptor *choice = ((struct descriptor **)to)[index], *engine;
            int note = TENSOR_CORE;
            cudnnBackendCreateDescriptor(ENGINE, &engine);
            put(engine, ENGINE_GRAPH, 1, 8, get(descriptor, HEURISTIC_GRAPH)->values);
            put(engine, ENGINE_INDEX, 1, 8, &index);
            if (index == 0) put(engine, ENGINE_NUMERICAL_NOTES, 1, 4, &note);
            put(choice, CHOICE_ENGINE, 1, 8, &engine);
        }
        return OK;
    case PLAN_WORKSPACE: return number(count, to, 8, 0);
    case CHOICE_SHARED_MEMORY: return number(count, to, 4, 0);
    }
    const struct attribute *attribute = get(descriptor, name);
    *count = attribute ? attribute->count : 0;
    int64_t copied = *count < room ? *count : room;
    if (!attribute || !to) return OK;
    if (type != TYPE_DESCRIPTOR) {
        memcpy(to, attribute->values, copied * size_of(type));
        return OK;
    }
    /* The caller has made the descriptors, and what is asked for is put into them. */
    for (int64_t at = 0; at < copied; at++) *((struct descriptor **)to)[at] = *((struct descriptor **)attribute->values)[at];
    return OK;
}

struct operand {
    const int64_t *dims, *strides;
    float *values;
};

static struct operand operand(const struct descriptor *operation, int name, const struct descriptor *pack)
{
    const struct descriptor *tensor = part(operation, name);
    struct operand found = {numbers(tensor, TENSOR_DIMENSIONS), numbers(tensor, TENSOR_STRIDES), NULL};
    const struct attribute *ids = get(pack, PACK_IDS), *pointers = get(pack, PACK_POINTERS);
    for (int64_t at = 0; at < ids->count; at++)
        if (((int64_t *)ids->values)[at] == *numbers(tensor, TENSOR_ID)) found.values = ((float **)pointers->values)[at];
    return found;
}

static uint64_t volume(const struct operand *operand)
{
    return (uint64_t)operand->dims[0] * operand->dims[1] * operand->dims[2] * operand->dims[3];
}

/* The values in memory of their own, rounded as the factors of a product on tensor cores are. */
static float *rounded(const struct operand *operand)
{
    uint64_t extent = 1;
    for (int axis = 0; axis < 4; axis++) extent += (operand->dims[axis] - 1) * operand->strides[axis];
    float *copy = malloc(extent * sizeof *copy);
    for (uint64_t at = 0; at < extent; at++) copy[at] = fake_tf32(operand->values[at]);
    return copy;
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* One output channel of one picture: the sum of shifted planes, each times its weight. Rows lie closely, and each column is
   looked at. */
static void convolve(const struct operand *x, const struct operand *w, const struct operand *y, const int64_t *padding,
                     int64_t picture, int64_t to)
{
    float *out = y->values + picture * y->strides[0] + to * y->strides[1];
    for (int64_t row = 0; row < y->dims[2]; row++) memset(out + row * y->strides[2], 0, y->dims[3] * sizeof *out);
    for (int64_t from = 0; from < w->dims[1]; from++)
        for (int64_t down = 0; down < w->dims[2]; down++)
            for (int64_t along = 0; along < w->dims[3]; along++) {
                float weight = w->values[to * w->strides[0] + from * w->strides[1] + down * w->strides[2] + along * w->strides[3]];
                const float *in = x->values + picture * x->strides[0] + from * x->strides[1];
                int64_t up = down - padding[0], left = along - padding[1];
                int64_t first = within(-left, 0, y->dims[3]), last = within(x->dims[3] - left, 0, y->dims[3]);
                for (int64_t row = within(-up, 0, y->dims[2]); row < within(x->dims[2] - up, 0, y->dims[2]); row++) {
                    const float *in_row = in + (row + up) * x->strides[2] + left;
                    float *out_row = out + row * y->strides[2];
                    for (int64_t column = first; column < last; column++) out_row[column] += weight * in_row[column];
                }
            }
}

static bool is(const int64_t *pair, int64_t value)
{
    return pair[0] == value && pair[1] == value;
}

int cudnnBackendExecute(void *handle, const struct descriptor *plan, const struct descriptor *pack)
{
    (void)handle;
    const struct descriptor *engine = part(part(plan, PLAN_CHOICE), CHOICE_ENGINE), *graph = part(engine, ENGINE_GRAPH);
    bool tensor_cores = get(engine, ENGINE_NUMERICAL_NOTES);
    const struct attribute *operations = get(graph, GRAPH_OPERATIONS);
    for (int64_t at = 0; operations && at < operations->count; at++) {
        const struct descriptor *operation = ((struct descriptor **)operations->values)[at];
        if (operation->type != CONVOLUTION_FORWARD) {
            fake_missing("such cuDNN operation");
            return NOT_SUPPORTED;
        }
        struct operand x = operand(operation, FORWARD_X, pack), w = operand(operation, FORWARD_W, pack);
        struct operand y = operand(operation, FORWARD_Y, pack);
        const struct descriptor *how = part(operation, FORWARD_CONVOLUTION);
        const int64_t *padding = numbers(how, PADDING_BEFORE), *stride = numbers(how, STRIDES), *dilation = numbers(how, DILATIONS);
        bool closely = x.strides[3] == 1 && y.strides[3] == 1;
        if (w.dims[1] != x.dims[1] || !closely || !is(stride, 1) || !is(dilation, 1)) {
            fake_missing("such convolution");
            return NOT_SUPPORTED;
        }
        fake_counts.tf32 += tensor_cores;
        if (!fake_kernel(__func__, 4 * (volume(&x) + volume(&w) + volume(&y)), 2 * volume(&y) * w.dims[1] * w.dims[2] * w.dims[3]))
            continue;
        if (tensor_cores) x.values = rounded(&x), w.values = rounded(&w);
        for (int64_t picture = 0; picture < y.dims[0]; picture++)
            for (int64_t to = 0; to < y.dims[1]; to++) convolve(&x, &w, &y, padding, picture, to);
        if (tensor_cores) free(x.values), free(w.values);
    }
    return OK;
}
