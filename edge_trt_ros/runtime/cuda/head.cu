// Copyright 2026 edge_trt_ros maintainers
// SPDX-License-Identifier: Apache-2.0

// Finds the detections in the outputs of a network: decode, rank, suppress, keep, gather. The samples of a batch are
// in the third dimension of the grid.
//
// It is compiled for one network. `device_head.py` writes these lines before it:
//
//   ROWS      number of candidate rows of the network
//   LABELS    number of classes
//   TRIED     maximum number of candidates that NMS looks at, a multiple of 32
//   EXTRAS    number of values that `extra` returns for a row, such as the coordinates of keypoints
//   SUPPRESS  0: no NMS, 1: NMS of upright boxes, 2: NMS of oriented boxes
//   WIDTH, HEIGHT  size of the network's input in pixels
//   PARAMETERS, READER  the addresses of the outputs, and a `Reader` of those of the sample
//   NAME_1, NAME_2 ...  the lengths of the axes of the output NAME, and NAME(in, index): a value of it
//
// and after DECLARATIONS the function of the head, `void read_row(Reader& in, int row, Row& found)`.
// The result depends on the outputs only, not on the order in which threads run.

#ifdef DECLARATIONS

// A candidate. With oriented boxes the corners are those before the rotation.
struct __align__(16) Row {
  float x1, y1, x2, y2, score, angle;
  int label, row;
};

struct Settings {
  float confidence, iou, scale_x, scale_y, pad_left, pad_top, width, height;
  int max_detections, filtered;
  unsigned wanted[(LABELS + 31) / 32];
};

// Reads the outputs and counts the values that are not finite.
struct Reader {
  const void* from[8];
  int bad;
};

__device__ float counted(Reader& in, float value) {
  in.bad += !isfinite(value);
  return value;
}

__device__ float as_float(const float* values, int index) { return values[index]; }

__device__ float as_float(const unsigned short* halves, int index) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(halves[index]));
  return value;
}

// The class with the highest score; of equal scores the first.
__device__ void offer(Row& found, float score, int label) {
  if (score > found.score) { found.score = score; found.label = label; }
}

__device__ void from_centre(Row& found, float x, float y, float width, float height) {
  found.x1 = x - width / 2; found.y1 = y - height / 2;
  found.x2 = x + width / 2; found.y2 = y + height / 2;
}

__device__ float sigmoid(float value) { return 1 / (1 + expf(-value)); }

#else

__device__ float within(float value, float limit) { return fminf(fmaxf(value, 0), limit); }

// The box in pixels of the source image.
__device__ Row in_source(Row found, const Settings& to) {
  found.x1 = (found.x1 - to.pad_left) / to.scale_x; found.x2 = (found.x2 - to.pad_left) / to.scale_x;
  found.y1 = (found.y1 - to.pad_top) / to.scale_y; found.y2 = (found.y2 - to.pad_top) / to.scale_y;
  return found;
}

__device__ Row clipped(Row found, const Settings& to) {
  found.x1 = within(found.x1, to.width); found.x2 = within(found.x2, to.width);
  found.y1 = within(found.y1, to.height); found.y2 = within(found.y2, to.height);
  return found;
}

// The upright box around an oriented one.
__device__ Row hull(Row found) {
  float x = (found.x1 + found.x2) / 2, y = (found.y1 + found.y2) / 2;
  float along = (found.x2 - found.x1) / 2, across = (found.y2 - found.y1) / 2;
  float c = fabsf(cosf(found.angle)), s = fabsf(sinf(found.angle));
  float half_width = fabsf(along) * c + fabsf(across) * s, half_height = fabsf(along) * s + fabsf(across) * c;
  found.x1 = x - half_width; found.x2 = x + half_width;
  found.y1 = y - half_height; found.y2 = y + half_height;
  return found;
}

// A box without area in the image, such as one in the padding, must not suppress another.
__device__ bool is_visible(const Row& found, const Settings& to) {
  Row box = in_source(found, to);
  box = clipped(SUPPRESS == 2 ? hull(box) : box, to);
  return box.x2 > box.x1 && box.y2 > box.y1;
}

__device__ bool is_wanted(const Row& found, const Settings& to) {
  if (!to.filtered) return true;
  return 0 <= found.label && found.label < LABELS && to.wanted[found.label / 32] >> found.label % 32 & 1;
}

// state: number of candidates, number of values that are not finite; then a bit for each candidate that
// suppresses another. It is all zero between two samples.
#define STATE (2 + TRIED / 32)

extern "C" __global__ void decode(PARAMETERS, const Settings* settings, int* state, Row* rows) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= ROWS) return;
  READER;
  settings += blockIdx.z; state += blockIdx.z * STATE; rows += blockIdx.z * ROWS;
  Row found = {0, 0, 0, 0, __int_as_float(0xff800000), 0, 0, row};
  read_row(in, row, found);
  for (int index = 0; index < EXTRAS; ++index) extra(in, row, index);
  if (in.bad) { atomicAdd(state + 1, in.bad); return; }
  if (found.score >= settings->confidence && is_wanted(found, *settings) && is_visible(found, *settings))
    rows[atomicAdd(state, 1)] = found;
}

// The other outputs that are read on the host.
extern "C" __global__ void check(const float* values, int count, int* state) {
  int bad = 0;
  values += (size_t)blockIdx.z * count; state += blockIdx.z * STATE;
  for (int index = blockIdx.x * blockDim.x + threadIdx.x; index < count; index += gridDim.x * blockDim.x)
    bad += !isfinite(values[index]);
  if (bad) atomicAdd(state + 1, bad);
}

// The place of a candidate is the number of better ones; of equal scores the lower row is better.
extern "C" __global__ void rank(const int* state, const Row* rows, Row* sorted) {
  state += blockIdx.z * STATE; rows += blockIdx.z * ROWS; sorted += blockIdx.z * TRIED;
  int count = state[0], warps = gridDim.x * blockDim.x / 32, lane = threadIdx.x % 32;
  for (int own = (blockIdx.x * blockDim.x + threadIdx.x) / 32; own < count; own += warps) {
    float score = rows[own].score;
    int row = rows[own].row, better = 0;
    for (int other = lane; other < count; other += 32) {
      float rival = rows[other].score;
      better += rival > score || (rival == score && rows[other].row < row);
    }
    for (int step = 16; step; step >>= 1) better += __shfl_xor_sync(~0u, better, step);
    if (lane == 0 && better < TRIED) sorted[better] = rows[own];
  }
}

#if SUPPRESS == 1

__device__ bool overlap_too_much(const Row& a, const Row& b, float limit) {
  float width = fmaxf(0, fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1));
  float height = fmaxf(0, fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1)), inside = width * height;
  float both = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - inside;
  return inside > limit * both;
}

#elif SUPPRESS == 2

// A box as a normal distribution: arXiv 2106.06072, equations 2 to 5, as `vision/oriented.py`.
struct Gaussian { double x, y, xx, yy, xy; };

__device__ Gaussian gaussian(const Row& box) {
  double along = (double)box.x2 - box.x1, across = (double)box.y2 - box.y1, c = cos((double)box.angle), s = sin((double)box.angle);
  along *= along / 12; across *= across / 12;
  return {((double)box.x1 + box.x2) / 2, ((double)box.y1 + box.y2) / 2,
          along * c * c + across * s * s, along * s * s + across * c * c, (along - across) * c * s};
}

__device__ bool overlap_too_much(const Row& first, const Row& second, float limit) {
  const double tiny = 1e-7;
  Gaussian a = gaussian(first), b = gaussian(second);
  double xx = a.xx + b.xx, yy = a.yy + b.yy, xy = a.xy + b.xy, dx = a.x - b.x, dy = a.y - b.y;
  double det = xx * yy - xy * xy;
  double apart = (xx * dy * dy + yy * dx * dx - 2 * xy * dx * dy) / (4 * (det + tiny));
  double dets = fmax(a.xx * a.yy - a.xy * a.xy, 0.0) * fmax(b.xx * b.yy - b.xy * b.xy, 0.0);
  double unlike = log(det / (4 * sqrt(dets) + tiny) + tiny) / 2;
  double distance = fmin(fmax(apart + unlike, tiny), 100.0);
  return (float)(1 - sqrt(1 - exp(-distance) + tiny)) > limit;
}

#endif

#if SUPPRESS

// Bit j of row i: the better candidate i suppresses j. A block writes 8 rows of one word of 32 bits.
extern "C" __global__ void overlap(int* state, const Settings* settings, const Row* sorted, unsigned* masks) {
  settings += blockIdx.z; state += blockIdx.z * STATE;
  sorted += blockIdx.z * TRIED; masks += blockIdx.z * TRIED * (TRIED / 32);
  int count = min(state[0], TRIED), words = (count + 31) / 32, bands = (count + 7) / 8;
  for (int tile = blockIdx.x; tile < words * bands; tile += gridDim.x) {
    int word = tile % words, i = tile / words * 8 + threadIdx.y, j = word * 32 + threadIdx.x;
    bool hit = i < j && j < count && sorted[i].label == sorted[j].label
      && overlap_too_much(sorted[i], sorted[j], settings->iou);
    unsigned bits = __ballot_sync(~0u, hit);
    if (threadIdx.x == 0 && i < count) masks[i * (TRIED / 32) + word] = bits;
    if (threadIdx.x == 0 && bits) atomicOr((unsigned*)state + 2 + i / 32, 1u << i % 32);
  }
}

#endif

// One warp selects the detections, best first. result: a header of one row, then the detections; the host reads it.
// kept: their number and their rows of the outputs. The state is reset for the next sample.
extern "C" __global__ void keep(int* state, const Settings* settings, const Row* sorted, const unsigned* masks, Row* result, int* kept_rows) {
  __shared__ unsigned gone[TRIED / 32], some[TRIED / 32];
  __shared__ short chosen[TRIED];
  settings += blockIdx.z; state += blockIdx.z * STATE; sorted += blockIdx.z * TRIED;
  masks += blockIdx.z * TRIED * (TRIED / 32);
  result += blockIdx.z * (1 + TRIED); kept_rows += blockIdx.z * (1 + TRIED);
  int all = state[0], bad = state[1];
  int count = min(all, TRIED), most = min(settings->max_detections, TRIED), lane = threadIdx.x, kept = 0;
#if SUPPRESS
  int words = (count + 31) / 32;
  for (int word = lane; word < words; word += 32) { gone[word] = 0; some[word] = state[2 + word]; state[2 + word] = 0; }
  __syncwarp();
  for (int word = 0; word < words; ++word) {
    unsigned alive = ~gone[word];
    if (word == words - 1 && count % 32) alive &= (1u << count % 32) - 1;
    for (; alive && kept < most; ++kept) {
      int bit = __ffs(alive) - 1, own = word * 32 + bit;
      alive &= alive - 1;
      if (lane == 0) chosen[kept] = own;
      // Most boxes suppress none: their masks are not read.
      if (!(some[word] >> bit & 1)) continue;
      for (int next = word + lane; next < words; next += 32) gone[next] |= masks[own * (TRIED / 32) + next];
      __syncwarp();
      alive &= ~gone[word];
    }
  }
#else
  kept = min(count, most);
  for (int own = lane; own < kept; own += 32) chosen[own] = own;
#endif
  __syncwarp();
  for (int place = lane; place < kept; place += 32) {
    Row found = in_source(sorted[chosen[place]], *settings);
    result[1 + place] = SUPPRESS == 2 ? found : clipped(found, *settings);
    kept_rows[1 + place] = found.row;
  }
  if (lane == 0) {
    int* header = (int*)result;
    header[0] = kept; header[1] = bad; header[2] = all;
    kept_rows[0] = kept; state[0] = 0; state[1] = 0;
  }
}

#if EXTRAS

extern "C" __global__ void gather(PARAMETERS, const int* kept_rows, float* extras) {
  READER;
  kept_rows += blockIdx.z * (1 + TRIED); extras += blockIdx.z * TRIED * EXTRAS;
  int values = kept_rows[0] * EXTRAS;
  for (int index = blockIdx.x * blockDim.x + threadIdx.x; index < values; index += gridDim.x * blockDim.x)
    extras[index] = extra(in, kept_rows[1 + index / EXTRAS], index % EXTRAS);
}

#endif

#endif
