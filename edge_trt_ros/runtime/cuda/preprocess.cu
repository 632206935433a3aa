// Copyright 2026 edge_trt_ros maintainers
// SPDX-License-Identifier: Apache-2.0

// Converts the bytes of the images of a batch to the network's input in one pass.
//
// The memory of a batch starts with a `Frame` for each image. One thread computes one pixel of the input: letterbox,
// bilinear interpolation with half-pixel centres as cv2.INTER_LINEAR or a filter as Pillow's, colour order,
// (value * scale - mean) / std as value * gain + offset, planar layout.
// NVRTC compiles this file, so it has no includes.

enum Encoding { BGR8, RGB8, BGRA8, RGBA8, MONO8, UYVY, YUYV, NV12 };
enum Resize { OPENCV, PILLOW, PILLOW_BICUBIC };
enum Element { FLOAT32, FLOAT16, BFLOAT16, UINT8, INT8 };

struct Color {
  int r, g, b;
};

// An image in the memory of a batch, and its place in the network's input (`frame_layout.py`).
struct Frame {
  long long start;
  int encoding, width, height, stride, inner_width, inner_height, left, top;
  float step_x, step_y;
};

#ifdef __CUDACC__  // A test compiles the file for the CPU and defines these two functions itself.
__device__ unsigned float_bits(float value) { return __float_as_uint(value); }

// NVRTC has no headers; this is the instruction behind __float2half_rn.
__device__ unsigned short half_bits(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
#endif

__device__ int clamped(int value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

// BT.601, limited range, 20-bit fixed point, as in OpenCV.
__device__ Color from_yuv(int y, int u, int v) {
  const int luma = 1220542 * (y > 16 ? y - 16 : 0) + (1 << 19);
  u -= 128;
  v -= 128;
  return {clamped((luma + 1673527 * v) >> 20),
          clamped((luma - 852492 * v - 409993 * u) >> 20),
          clamped((luma + 2116026 * u) >> 20)};
}

__device__ Color pixel(const unsigned char* source, int stride, int height, int encoding, int x, int y) {
  const unsigned char* row = source + static_cast<size_t>(y) * stride;
  const unsigned char* p;
  switch (encoding) {
    case BGR8:
      p = row + 3 * x;
      return {p[2], p[1], p[0]};
    case RGB8:
      p = row + 3 * x;
      return {p[0], p[1], p[2]};
    case BGRA8:
      p = row + 4 * x;
      return {p[2], p[1], p[0]};
    case RGBA8:
      p = row + 4 * x;
      return {p[0], p[1], p[2]};
    case UYVY:
      p = row + 4 * (x / 2);
      return from_yuv(p[1 + 2 * (x & 1)], p[0], p[2]);
    case YUYV:
      p = row + 4 * (x / 2);
      return from_yuv(p[2 * (x & 1)], p[1], p[3]);
    case NV12:
      p = source + static_cast<size_t>(height + y / 2) * stride + (x & ~1);
      return from_yuv(row[x], p[0], p[1]);
    default:  // MONO8
      return {row[x], row[x], row[x]};
  }
}

// The two source pixels next to a target pixel, and their weights in OpenCV's 11-bit fixed point.
struct Pair {
  int first, second, first_weight, second_weight;
};

__device__ Pair neighbours(int target, float step, int length) {
  const float place = (target + 0.5f) * step - 0.5f;
  int low = static_cast<int>(floorf(place));
  float share = place - low;
  if (low < 0) {
    low = 0;
    share = 0;
  }
  if (low >= length - 1) {
    low = length - 1;
    share = 0;
  }
  return {low, low + 1 < length ? low + 1 : low, static_cast<int>(rintf((1 - share) * 2048)),
          static_cast<int>(rintf(share * 2048))};
}

// Rounds like cv2.resize for 8-bit images, so CPU and GPU compute the same tensor.
__device__ float blended(Pair across, Pair down, int a, int b, int c, int d) {
  const int above = a * across.first_weight + b * across.second_weight;
  const int below = c * across.first_weight + d * across.second_weight;
  return static_cast<float>(
      (((down.first_weight * (above >> 4)) >> 16) + ((down.second_weight * (below >> 4)) >> 16) + 2) >> 2);
}

__device__ float weight(float distance, bool cubic) {
  distance = fabsf(distance);
  if (!cubic) return distance < 1 ? 1 - distance : 0;
  if (distance < 1) return (1.5f * distance - 2.5f) * distance * distance + 1;
  return distance < 2 ? ((-0.5f * distance + 2.5f) * distance - 4) * distance + 2 : 0;
}

// The source pixels that a target pixel covers, for a filter as Pillow's.
struct Span {
  int first, last;
  float centre, stretch, sum;
};

__device__ Span covered(int target, float step, int length, bool cubic) {
  Span span;
  span.stretch = step < 1 ? 1 : step;
  span.centre = (target + 0.5f) * step;
  const float reach = span.stretch * (cubic ? 2 : 1);
  span.first = static_cast<int>(fmaxf(span.centre - reach + 0.5f, 0));
  span.last = static_cast<int>(fminf(span.centre + reach + 0.5f, length));
  span.sum = 0;
  for (int place = span.first; place < span.last; ++place)
    span.sum += weight((place + 0.5f - span.centre) / span.stretch, cubic);
  return span;
}

__device__ float share(Span span, int place, bool cubic) {
  return weight((place + 0.5f - span.centre) / span.stretch, cubic) / span.sum;
}

__device__ float rounded(float value) { return value < 0 ? 0 : value > 255 ? 255 : floorf(value + 0.5f); }

// Rounds after each pass, as Pillow does; the columns come first.
__device__ void filter(const unsigned char* source, int stride, int width, int height, int encoding, int x, int y,
                       float step_x, float step_y, bool cubic, float* red, float* green, float* blue) {
  const Span across = covered(x, step_x, width, cubic), down = covered(y, step_y, height, cubic);
  float total[3] = {0, 0, 0};
  for (int row = down.first; row < down.last; ++row) {
    float line[3] = {0, 0, 0};
    for (int column = across.first; column < across.last; ++column) {
      const Color color = pixel(source, stride, height, encoding, column, row);
      const float part = share(across, column, cubic);
      line[0] += part * color.r;
      line[1] += part * color.g;
      line[2] += part * color.b;
    }
    const float part = share(down, row, cubic);
    for (int channel = 0; channel < 3; ++channel) total[channel] += part * rounded(line[channel]);
  }
  *red = rounded(total[0]);
  *green = rounded(total[1]);
  *blue = rounded(total[2]);
}

__device__ void store(void* tensor, size_t index, int element, float value) {
  if (element == FLOAT32) {
    static_cast<float*>(tensor)[index] = value;
  } else if (element == FLOAT16) {
    static_cast<unsigned short*>(tensor)[index] = half_bits(value);
  } else if (element == BFLOAT16) {
    // Round to nearest even; the upper half of a float is a bfloat16.
    const unsigned bits = float_bits(value);
    static_cast<unsigned short*>(tensor)[index] =
        static_cast<unsigned short>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
  } else if (element == UINT8) {
    static_cast<unsigned char*>(tensor)[index] =
        static_cast<unsigned char>(value < 0 ? 0 : value > 255 ? 255 : rintf(value));
  } else {
    static_cast<signed char*>(tensor)[index] =
        static_cast<signed char>(value < -128 ? -128 : value > 127 ? 127 : rintf(value));
  }
}

extern "C" __global__ void letterbox(
    const unsigned char* memory, void* tensor, int width, int height, int is_bgr, int element, int resize, float pad_value,
    float gain0, float gain1, float gain2, float offset0, float offset1, float offset2) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  const Frame frame = reinterpret_cast<const Frame*>(memory)[blockIdx.z];
  const unsigned char* source = memory + frame.start;
  float red = pad_value, green = pad_value, blue = pad_value;
  const int inner_x = x - frame.left, inner_y = y - frame.top;
  if (inner_x >= 0 && inner_x < frame.inner_width && inner_y >= 0 && inner_y < frame.inner_height && resize != OPENCV) {
    filter(source, frame.stride, frame.width, frame.height, frame.encoding, inner_x, inner_y, frame.step_x, frame.step_y,
           resize == PILLOW_BICUBIC, &red, &green, &blue);
  } else if (inner_x >= 0 && inner_x < frame.inner_width && inner_y >= 0 && inner_y < frame.inner_height) {
    const Pair across = neighbours(inner_x, frame.step_x, frame.width);
    const Pair down = neighbours(inner_y, frame.step_y, frame.height);
    const Color a = pixel(source, frame.stride, frame.height, frame.encoding, across.first, down.first);
    const Color b = pixel(source, frame.stride, frame.height, frame.encoding, across.second, down.first);
    const Color c = pixel(source, frame.stride, frame.height, frame.encoding, across.first, down.second);
    const Color d = pixel(source, frame.stride, frame.height, frame.encoding, across.second, down.second);
    red = blended(across, down, a.r, b.r, c.r, d.r);
    green = blended(across, down, a.g, b.g, c.g, d.g);
    blue = blended(across, down, a.b, b.b, c.b, d.b);
  }
  const size_t plane = static_cast<size_t>(width) * height;
  const size_t here = blockIdx.z * 3 * plane + static_cast<size_t>(y) * width + x;
  store(tensor, here, element, (is_bgr ? blue : red) * gain0 + offset0);
  store(tensor, plane + here, element, green * gain1 + offset1);
  store(tensor, 2 * plane + here, element, (is_bgr ? red : blue) * gain2 + offset2);
}
