package facepredict;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A picture in direct buffers. It is read in place, from each buffer's position to its limit. The buffers must not
 * change while a prediction runs.
 */
public final class Image {
    /** The planes, one to three. */
    final ByteBuffer[] planes;
    final int[] strides;
    final Format format;
    final int width;
    final int height;
    final int chromaStep;
    final Yuv yuv;
    final int rotation;
    final boolean mirrored;
    final boolean bottomUp;

    /** The length of {@link #numbers}. */
    static final int NUMBERS = 17;

    /**
     * Makes a picture of rows without padding. The colours of NV12, NV21, I420 and P010 follow the brightness without a
     * gap.
     */
    public Image(Format format, int width, int height, ByteBuffer pixels) {
        this(format, width, height, pixels, 0);
    }

    /**
     * Makes a picture of rows that are {@code stride} bytes apart. 0 means no padding. Colours that follow have as much
     * padding.
     */
    public Image(Format format, int width, int height, ByteBuffer pixels, int stride) {
        this(format, width, height, new ByteBuffer[] {pixels}, new int[] {stride}, 0, Yuv.BT601_LIMITED, 0, false, false);
    }

    private Image(Format format, int width, int height, ByteBuffer[] planes, int[] strides, int chromaStep, Yuv yuv, int rotation,
            boolean mirrored, boolean bottomUp) {
        this.format = Objects.requireNonNull(format, "format");
        this.yuv = Objects.requireNonNull(yuv, "yuv");
        for (int i = 0; i < planes.length; i++) {
            if (!Objects.requireNonNull(planes[i], "pixels").isDirect()) {
                throw new IllegalArgumentException(
                        "pixels are in a heap buffer: ByteBuffer.allocateDirect() makes one that is read in place");
            }
            if (strides[i] < 0) {
                throw new IllegalArgumentException("stride " + i + " is " + strides[i]);
            }
        }
        if (width < 0 || height < 0 || chromaStep < 0 || rotation < 0) {
            throw new IllegalArgumentException("negative size: " + width + "x" + height + ", pixel stride " + chromaStep + ", rotation "
                    + rotation);
        }
        this.width = width;
        this.height = height;
        this.planes = planes;
        this.strides = strides;
        this.chromaStep = chromaStep;
        this.rotation = rotation;
        this.mirrored = mirrored;
        this.bottomUp = bottomUp;
    }

    /**
     * Makes a picture of the bytes of a JPEG, PNG, WebP or BMP file, such as an MJPEG frame of a camera. They lie in a
     * direct buffer, from its position to its limit. The Exif orientation is applied before {@link #rotated}.
     */
    public static Image encoded(ByteBuffer bytes) {
        return new Image(Format.ENCODED, 0, 0, bytes);
    }

    /** Does the same with an array, which is copied. */
    public static Image encoded(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(Objects.requireNonNull(bytes, "bytes").length);
        buffer.put(bytes).flip();
        return encoded(buffer);
    }

    /** Makes a picture of NV12, NV21 or P010 whose colours lie in a buffer of their own. */
    public static Image biplanar(Format format, int width, int height, ByteBuffer y, int yStride, ByteBuffer chroma, int chromaStride) {
        if (format != Format.NV12 && format != Format.NV21 && format != Format.P010) {
            throw new IllegalArgumentException("format is " + format + ", NV12, NV21 or P010 has two planes");
        }
        return new Image(format, width, height, new ByteBuffer[] {y, chroma}, new int[] {yStride, chromaStride}, 0, Yuv.BT601_LIMITED,
                0, false, false);
    }

    /**
     * Makes a picture of Android's YUV_420_888, from the planes of an android.media.Image or a CameraX ImageProxy.
     * Their buffers may overlap, and may end before their last row does.
     */
    public static Image yuv420(int width, int height, ByteBuffer y, int yRowStride, ByteBuffer u, ByteBuffer v, int uvRowStride,
            int uvPixelStride) {
        return new Image(Format.I420, width, height, new ByteBuffer[] {y, u, v}, new int[] {yRowStride, uvRowStride, uvRowStride},
                uvPixelStride, Yuv.BT601_LIMITED, 0, false, false);
    }

    /**
     * Returns the same picture, which is rotated clockwise by 0, 90, 180 or 270 degrees to be upright, and then
     * mirrored or not.
     */
    public Image rotated(int degrees, boolean mirrored) {
        return new Image(format, width, height, planes, strides, chromaStep, yuv, degrees, mirrored, bottomUp);
    }

    /** Returns the same picture with another conversion of YUV to colours. The default is BT601_LIMITED. */
    public Image withYuv(Yuv yuv) {
        return new Image(format, width, height, planes, strides, chromaStep, yuv, rotation, mirrored, bottomUp);
    }

    /** Returns the same picture, whose first row in memory is the lowest one, as in bitmaps of Windows. */
    public Image bottomUp() {
        return new Image(format, width, height, planes, strides, chromaStep, yuv, rotation, mirrored, true);
    }

    /** Returns the buffers of three planes, which are null where there is none. */
    ByteBuffer[] buffers() {
        ByteBuffer[] all = new ByteBuffer[3];
        System.arraycopy(planes, 0, all, 0, planes.length);
        return all;
    }

    /**
     * Returns the numbers for JNI: format, width, height, rotation, mirrored, chroma step, yuv. Then come offset, size
     * and stride of each plane, and bottom-up.
     */
    int[] numbers() {
        int[] n = new int[NUMBERS];
        n[0] = format.number;
        n[1] = width;
        n[2] = height;
        n[3] = rotation;
        n[4] = mirrored ? 1 : 0;
        n[5] = chromaStep;
        n[6] = yuv.ordinal();
        for (int i = 0; i < planes.length; i++) {
            n[7 + 3 * i] = planes[i].position();
            n[8 + 3 * i] = planes[i].remaining();
            n[9 + 3 * i] = strides[i];
        }
        n[16] = bottomUp ? 1 : 0;
        return n;
    }
}
