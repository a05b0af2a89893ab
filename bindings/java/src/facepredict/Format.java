package facepredict;

/** Order of the components in memory. */
public enum Format {
    GRAY(1),
    RGB(2),
    BGR(3),
    /** Android's ARGB_8888 bitmaps (copyPixelsToBuffer). */
    RGBA(4),
    BGRA(5),
    /** Y, then U and V in turn, for two by two pixels. */
    NV12(6),
    /** Y, then V and U in turn: Android's ImageFormat.NV21. */
    NV21(7),
    /** Y, U, V; with the planes of Android's YUV_420_888 see {@link Image#yuv420}. */
    I420(8),
    /** Y U Y V in one plane: USB cameras. */
    YUYV(9),
    /** U Y V Y in one plane: capture cards. */
    UYVY(10),
    /** Alpha, red, green, blue: byte order in memory. */
    ARGB(11),
    ABGR(12),
    /** NV12 of 16 bits a sample, little-endian, whose upper 10 count. */
    P010(13),
    /** The bytes of a file: see {@link Image#encoded}. */
    ENCODED(14);

    final int number;

    Format(int number) {
        this.number = number;
    }
}
