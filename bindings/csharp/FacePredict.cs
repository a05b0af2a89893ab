// Age and gender from faces: P/Invoke over face_predict.h. C# 7.3, .NET Standard 2.0, no other package.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace FacePredict
{
    /// <summary>A failure of the library; the message names the argument and the numbers.</summary>
    public sealed class FacePredictException : Exception
    {
        internal FacePredictException(int status, string statusName, string message) : base(message)
        {
            Status = status;
            StatusName = statusName;
        }

        /// <summary>The number in face_predict.h: 1 to 19 the call was wrong, 20 to 39 the input, 40 to 59 the model.</summary>
        public int Status { get; }

        /// <summary>Such as "FACE_PREDICT_ERROR_IO".</summary>
        public string StatusName { get; }
    }

    /// <summary>Byte order of a pixel.</summary>
    public enum Format : uint
    {
        Gray = 1,
        Rgb = 2,
        Bgr = 3,
        Rgba = 4,
        /// <summary>System.Drawing's Format32bppArgb and WPF's Bgra32.</summary>
        Bgra = 5,
    }

    /// <summary>The label that strangers would give the face.</summary>
    public enum Gender : uint
    {
        Undecided = 0,
        Female = 1,
        Male = 2,
    }

    /// <summary>Reasons to trust a face less.</summary>
    [Flags]
    public enum Quality : uint
    {
        Good = 0,
        Small = 1 << 0,
        CutOff = 1 << 5,
    }

    /// <summary>A place in upright pixels.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Point
    {
        public float X;
        public float Y;

        public Point(float x, float y)
        {
            X = x;
            Y = y;
        }
    }

    /// <summary>A face that was found already, forehead to chin, in upright pixels.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Region
    {
        public float X, Y, Width, Height;
        /// <summary>Landmarks, all zero where unknown: eyes, nose, mouth corners, left and right as seen.</summary>
        public Point LeftEye, RightEye, Nose, LeftMouth, RightMouth;

        public Region(float x, float y, float width, float height) : this()
        {
            X = x;
            Y = y;
            Width = width;
            Height = height;
        }
    }

    /// <summary>What to predict. What is not set is the library's default.</summary>
    public sealed class Options
    {
        /// <summary>The faces, found already.</summary>
        public Region[] Regions { get; set; }
        /// <summary>The picture is one face.</summary>
        public bool Cropped { get; set; }
        public bool SkipAge { get; set; }
        public bool SkipGender { get; set; }
        /// <summary>Keeps the largest so many; 0: all.</summary>
        public int MaxFaces { get; set; }
        /// <summary>Probability inside AgeLow to AgeHigh; 0: 0.8.</summary>
        public float AgeCoverage { get; set; }
        /// <summary>Probability that a label needs, 0.5 to 1; 0: the model's.</summary>
        public float GenderThreshold { get; set; }
    }

    /// <summary>One face: plain numbers, null where something was skipped or is not known.</summary>
    public sealed class Face
    {
        internal Face(Native.Face face, float[] years)
        {
            X = face.Region.X;
            Y = face.Region.Y;
            Width = face.Region.Width;
            Height = face.Region.Height;
            Region r = face.Region;
            Landmarks = float.IsNaN(r.LeftEye.X) ? null : new[] { r.LeftEye, r.RightEye, r.Nose, r.LeftMouth, r.RightMouth };
            Score = Known(face.Score);
            Age = Known(face.Age);
            AgeLow = Known(face.AgeLow);
            AgeHigh = Known(face.AgeHigh);
            FemaleProbability = Known(face.FemaleProbability);
            Gender = face.Gender;
            Quality = face.Quality;
            AgeDistribution = Array.AsReadOnly(years);
        }

        /// <summary>Box in upright pixels; may reach outside the picture.</summary>
        public float X { get; }
        public float Y { get; }
        public float Width { get; }
        public float Height { get; }
        /// <summary>Five places, or null where unknown.</summary>
        public IReadOnlyList<Point> Landmarks { get; }
        /// <summary>How sure that this is a face, 0 to 1; null for a face that was given.</summary>
        public float? Score { get; }
        /// <summary>Years; the median of the distribution.</summary>
        public float? Age { get; }
        /// <summary>Interval that holds the age with the coverage asked for.</summary>
        public float? AgeLow { get; }
        public float? AgeHigh { get; }
        /// <summary>Calibrated probability of the label female, 0 to 1.</summary>
        public float? FemaleProbability { get; }
        public Gender Gender { get; }
        public Quality Quality { get; }
        /// <summary>Probability of each whole year from 0, summing to 1; empty where the age was skipped.</summary>
        public IReadOnlyList<float> AgeDistribution { get; }

        /// <summary>Probability that the person has lived so many years or more; null without an age.</summary>
        public float? AgeAtLeast(float years)
        {
            if (AgeDistribution.Count == 0 || float.IsNaN(years))
            {
                return null;
            }
            if (float.IsInfinity(years))
            {
                return Tail(years);
            }
            double whole = Math.Floor(years);
            return (float)(Tail(whole) + (Tail(whole + 1) - Tail(whole)) * (years - whole));
        }

        private float Tail(double first)
        {
            float sum = 0;
            for (int i = (int)Math.Max(0, Math.Min(first, AgeDistribution.Count)); i < AgeDistribution.Count; i++)
            {
                sum += AgeDistribution[i];
            }
            return Math.Min(sum, 1);
        }

        private static float? Known(float number)
        {
            return float.IsNaN(number) ? (float?)null : number;
        }
    }

    /// <summary>The faces of a picture, the largest first.</summary>
    public sealed class Prediction
    {
        internal Prediction(int width, int height, IReadOnlyList<Face> faces)
        {
            Width = width;
            Height = height;
            Faces = faces;
        }

        /// <summary>Size of the upright picture in pixels.</summary>
        public int Width { get; }
        public int Height { get; }
        public IReadOnlyList<Face> Faces { get; }
    }

    /// <summary>
    /// Loaded networks. Loading is slow, so load once; all threads may use one model at the same time. Disposing
    /// it while another thread predicts is safe: the memory goes when that call ends.
    /// </summary>
    public sealed class Model : IDisposable
    {
        private readonly Native.ModelHandle handle;
        private readonly Stack<Native.ResultHandle> spare = new Stack<Native.ResultHandle>();
        private readonly string name;
        private bool disposed;

        private delegate int Call(ref Native.Options options, Native.ResultHandle result);

        /// <summary>The built-in model, or model files, each a part; what they lack comes from the built-in model.</summary>
        public Model(params string[] files) : this(0, files)
        {
        }

        /// <summary>The same, for pictures of so many pixels at most; 0: 64 Mi.</summary>
        public Model(ulong maxPixels, params string[] files)
        {
            Native.Require();
            Native.ModelOptions options = Native.ModelOptions.Of(maxPixels);
            if (files == null || files.Length == 0)
            {
                Native.Check(Native.face_predict_model_load_default(ref options, out handle));
                name = Native.Text(Native.face_predict_model_name(handle));
                return;
            }
            IntPtr[] paths = new IntPtr[files.Length];
            try
            {
                for (int i = 0; i < files.Length; i++)
                {
                    byte[] path = Native.Utf8(files[i], "files");
                    paths[i] = Marshal.AllocHGlobal(path.Length);
                    Marshal.Copy(path, 0, paths[i], path.Length);
                }
                Native.Check(Native.face_predict_model_load_files(paths, (UIntPtr)paths.Length, ref options, out handle));
                name = Native.Text(Native.face_predict_model_name(handle));
            }
            finally
            {
                Array.ForEach(paths, Marshal.FreeHGlobal);
            }
        }

        /// <summary>The bytes of a model file.</summary>
        public Model(byte[] model)
        {
            if (model == null)
            {
                throw new ArgumentNullException("model");
            }
            Native.Require();
            Native.ModelOptions options = Native.ModelOptions.Of(0);
            Native.Check(Native.face_predict_model_load_memory(model, (UIntPtr)model.Length, ref options, out handle));
            name = Native.Text(Native.face_predict_model_name(handle));
        }

        /// <summary>Version of the native library, such as "0.1.0".</summary>
        public static string LibraryVersion
        {
            get
            {
                Native.Require();
                return Native.Text(Native.face_predict_version_string());
            }
        }

        /// <summary>Name and version of the networks, for logs.</summary>
        public string Name
        {
            get
            {
                ThrowIfDisposed();
                return name;
            }
        }

        /// <summary>Estimates the faces of a JPEG, PNG, WebP or BMP file; its Exif orientation is applied.</summary>
        public Prediction Predict(string path, Options options)
        {
            byte[] utf8 = Native.Utf8(path, "path");
            return Run(options, (ref Native.Options o, Native.ResultHandle result) => Native.face_predict_file(handle, utf8, ref o, result));
        }

        /// <summary>The same for the bytes of such a file.</summary>
        public Prediction Predict(byte[] encoded, Options options)
        {
            if (encoded == null)
            {
                throw new ArgumentNullException("encoded");
            }
            // An empty array is marshalled as a pointer that is not null, or null, depending on the runtime.
            byte[] data = encoded.Length == 0 ? new byte[1] : encoded;
            return Run(options, (ref Native.Options o, Native.ResultHandle result) =>
                Native.face_predict_encoded(handle, data, (UIntPtr)encoded.Length, ref o, result));
        }

        /// <summary>
        /// The same for pixels in memory, which is pinned and read in place. <paramref name="stride"/> bytes lie between
        /// rows (0: no padding); <paramref name="rotation"/> degrees clockwise and then <paramref name="mirrored"/>
        /// make the picture upright.
        /// </summary>
        public Prediction Predict(byte[] pixels, Format format, int width, int height, Options options, int stride = 0, int rotation = 0, bool mirrored = false)
        {
            if (pixels == null)
            {
                throw new ArgumentNullException("pixels");
            }
            GCHandle pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
            try
            {
                IntPtr data = pixels.Length == 0 ? IntPtr.Zero : pinned.AddrOfPinnedObject();
                return Predict(data, pixels.Length, format, width, height, options, stride, rotation, mirrored);
            }
            finally
            {
                pinned.Free();
            }
        }

        /// <summary>The same for memory that is not an array, such as the Scan0 of a locked System.Drawing bitmap.</summary>
        public Prediction Predict(IntPtr pixels, long size, Format format, int width, int height, Options options, int stride = 0, int rotation = 0, bool mirrored = false)
        {
            if (width < 0 || height < 0 || stride < 0 || rotation < 0 || size < 0)
            {
                throw new ArgumentOutOfRangeException("width", string.Format(
                    "negative size: {0}x{1}, stride {2} (a bottom-up bitmap must be flipped first), rotation {3}, {4} bytes", width, height, stride, rotation, size));
            }
            if (size == 0)
            {
                pixels = IntPtr.Zero; // In C, a size of 0 would mean "trust me".
            }
            Native.Image image = new Native.Image();
            image.StructSize = (uint)Marshal.SizeOf(typeof(Native.Image));
            image.Format = (uint)format;
            image.Width = (uint)width;
            image.Height = (uint)height;
            image.Plane0 = pixels;
            image.Stride0 = (UIntPtr)stride;
            image.Size0 = (UIntPtr)(ulong)size;
            image.Rotation = (uint)rotation;
            image.Mirrored = mirrored ? 1u : 0u;
            return Run(options, (ref Native.Options o, Native.ResultHandle result) => Native.face_predict(handle, ref image, ref o, result));
        }

        /// <summary>Frees the model; may be called twice.</summary>
        public void Dispose()
        {
            lock (spare)
            {
                disposed = true;
                while (spare.Count > 0)
                {
                    spare.Pop().Dispose();
                }
            }
            handle.Dispose();
        }

        private void ThrowIfDisposed()
        {
            if (disposed)
            {
                throw new ObjectDisposedException("Model", "the model is disposed: load a new one");
            }
        }

        private Prediction Run(Options options, Call call)
        {
            options = options ?? new Options();
            if (options.MaxFaces < 0)
            {
                throw new ArgumentOutOfRangeException("options", "MaxFaces is " + options.MaxFaces);
            }
            Region[] regions = options.Regions ?? new Region[0];
            Native.Options o = new Native.Options();
            o.StructSize = (uint)Marshal.SizeOf(typeof(Native.Options));
            o.Flags = (options.SkipAge ? 1u : 0) | (options.SkipGender ? 2u : 0) | (options.Cropped ? 4u : 0);
            o.MaxFaces = (uint)options.MaxFaces;
            o.RegionCount = (uint)regions.Length;
            o.AgeCoverage = options.AgeCoverage;
            o.GenderThreshold = options.GenderThreshold;
            Native.ResultHandle result = null;
            lock (spare)
            {
                ThrowIfDisposed();
                // Reused with its buffers; as many as threads ran at once.
                result = spare.Count > 0 ? spare.Pop() : null;
            }
            GCHandle pinned = GCHandle.Alloc(regions, GCHandleType.Pinned);
            try
            {
                result = result ?? Native.face_predict_result_new();
                if (result.IsInvalid)
                {
                    throw new OutOfMemoryException("no memory for a result of face_predict");
                }
                o.Regions = regions.Length == 0 ? IntPtr.Zero : pinned.AddrOfPinnedObject();
                Native.Check(call(ref o, result));
                return Read(result);
            }
            finally
            {
                pinned.Free();
                lock (spare)
                {
                    if (disposed)
                    {
                        result?.Dispose();
                    }
                    else if (result != null)
                    {
                        spare.Push(result);
                    }
                }
            }
        }

        private static Prediction Read(Native.ResultHandle result)
        {
            uint width, height;
            Native.Check(Native.face_predict_result_size(result, out width, out height));
            ulong count = (ulong)Native.face_predict_result_count(result);
            List<Face> faces = new List<Face>();
            for (ulong i = 0; i < count; i++)
            {
                Native.Face face;
                Native.Check(Native.face_predict_result_face(result, (UIntPtr)i, out face, (UIntPtr)(ulong)Marshal.SizeOf(typeof(Native.Face))));
                UIntPtr years;
                IntPtr data = Native.face_predict_result_age_distribution(result, (UIntPtr)i, out years);
                float[] distribution = new float[data == IntPtr.Zero ? 0 : (int)years];
                if (distribution.Length > 0)
                {
                    Marshal.Copy(data, distribution, 0, distribution.Length);
                }
                faces.Add(new Face(face, distribution));
            }
            return new Prediction((int)width, (int)height, faces.AsReadOnly());
        }
    }

    internal static class Native
    {
        /// <summary>Major version of the header that the structs below mirror.</summary>
        private const uint AbiMajor = 0;
        private const string Library = "face_predict";
        private const CallingConvention C = CallingConvention.Cdecl;

        internal sealed class ModelHandle : SafeHandle
        {
            public ModelHandle() : base(IntPtr.Zero, true)
            {
            }

            public override bool IsInvalid
            {
                get { return handle == IntPtr.Zero; }
            }

            protected override bool ReleaseHandle()
            {
                face_predict_model_free(handle);
                return true;
            }
        }

        internal sealed class ResultHandle : SafeHandle
        {
            public ResultHandle() : base(IntPtr.Zero, true)
            {
            }

            public override bool IsInvalid
            {
                get { return handle == IntPtr.Zero; }
            }

            protected override bool ReleaseHandle()
            {
                face_predict_result_free(handle);
                return true;
            }
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct ModelOptions
        {
            public uint StructSize, Flags;
            public ulong MaxPixels;

            internal static ModelOptions Of(ulong maxPixels)
            {
                return new ModelOptions { StructSize = (uint)Marshal.SizeOf(typeof(ModelOptions)), MaxPixels = maxPixels };
            }
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Image
        {
            public uint StructSize, Format, Width, Height;
            public IntPtr Plane0, Plane1, Plane2;
            public UIntPtr Stride0, Stride1, Stride2;
            public UIntPtr Size0, Size1, Size2;
            public uint Rotation, Mirrored;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Options
        {
            public uint StructSize, Flags, MaxFaces, RegionCount;
            public IntPtr Regions;
            public float AgeCoverage, GenderThreshold;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Face
        {
            public Region Region;
            public float Score, Age, AgeLow, AgeHigh, FemaleProbability;
            public Gender Gender;
            public Quality Quality;
        }

        /// <summary>Throws where the library is missing or of another major version, and says what to do.</summary>
        internal static void Require()
        {
            uint version;
            try
            {
                version = face_predict_version();
            }
            catch (Exception error) when (error is DllNotFoundException || error is BadImageFormatException || error is EntryPointNotFoundException)
            {
                throw new DllNotFoundException("the native library face_predict is missing or does not fit (" + error.Message +
                    "): build it with `cargo build --release` for this processor, and lay it beside the program, or on PATH (Windows) or LD_LIBRARY_PATH", error);
            }
            if (version >> 16 != AbiMajor)
            {
                throw new DllNotFoundException(string.Format(
                    "the native library face_predict is version {0}.{1}.{2}, this assembly needs major version {3}: install both of one version",
                    version >> 16, version >> 8 & 255, version & 255, AbiMajor));
            }
        }

        internal static void Check(int status)
        {
            if (status != 0)
            {
                throw new FacePredictException(status, Text(face_predict_status_name(status)), Text(face_predict_last_error()));
            }
        }

        internal static string Text(IntPtr utf8)
        {
            int length = 0;
            while (utf8 != IntPtr.Zero && Marshal.ReadByte(utf8, length) != 0)
            {
                length++;
            }
            byte[] bytes = new byte[length];
            if (length > 0)
            {
                Marshal.Copy(utf8, bytes, 0, length);
            }
            return Encoding.UTF8.GetString(bytes);
        }

        /// <summary>With a zero at its end.</summary>
        internal static byte[] Utf8(string text, string name)
        {
            if (text == null)
            {
                throw new ArgumentNullException(name);
            }
            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("the path holds a NUL character", name);
            }
            return Encoding.UTF8.GetBytes(text + "\0");
        }

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_last_error();

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_status_name(int status);

        [DllImport(Library, CallingConvention = C)]
        internal static extern uint face_predict_version();

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_version_string();

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_model_load_default(ref ModelOptions options, out ModelHandle model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_model_load_files([In] IntPtr[] paths, UIntPtr count, ref ModelOptions options, out ModelHandle model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_model_load_memory([In] byte[] data, UIntPtr size, ref ModelOptions options, out ModelHandle model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_model_name(ModelHandle model);

        [DllImport(Library, CallingConvention = C)]
        private static extern void face_predict_model_free(IntPtr model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict(ModelHandle model, ref Image image, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_file(ModelHandle model, [In] byte[] path, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_encoded(ModelHandle model, [In] byte[] data, UIntPtr size, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern ResultHandle face_predict_result_new();

        [DllImport(Library, CallingConvention = C)]
        private static extern void face_predict_result_free(IntPtr result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern UIntPtr face_predict_result_count(ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_result_size(ResultHandle result, out uint width, out uint height);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_result_face(ResultHandle result, UIntPtr index, out Face face, UIntPtr size);

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_result_age_distribution(ResultHandle result, UIntPtr index, out UIntPtr count);
    }
}
