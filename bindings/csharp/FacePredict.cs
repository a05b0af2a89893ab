// Age and gender from faces, by P/Invoke over face_predict.h. It needs C# 7.3 and .NET Standard 2.0, and no other package.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace FacePredict
{
    /// <summary>A failure of the library. The message names the argument and the numbers.</summary>
    public sealed class FacePredictException : Exception
    {
        internal FacePredictException(int status, string statusName, string message) : base(message)
        {
            Status = status;
            StatusName = statusName;
        }

        /// <summary>The number in face_predict.h. 1 to 19 mean that the call was wrong, 20 to 39 the input, and 40 to 59 the
        /// model.</summary>
        public int Status { get; }

        /// <summary>The name of the status, such as "FACE_PREDICT_ERROR_IO".</summary>
        public string StatusName { get; }
    }

    /// <summary>The order of the components in memory.</summary>
    public enum Format : uint
    {
        Gray = 1,
        Rgb = 2,
        Bgr = 3,
        Rgba = 4,
        /// <summary>Blue, green, red, alpha. System.Drawing's Format32bppArgb and WPF's Bgra32 have this order.</summary>
        Bgra = 5,
        /// <summary>A plane of Y, then one of U and V in turn, as in Media Foundation's MFVideoFormat_NV12.</summary>
        Nv12 = 6,
        /// <summary>A plane of Y, then one of V and U in turn.</summary>
        Nv21 = 7,
        /// <summary>Planes of Y, U and V, as in MFVideoFormat_I420.</summary>
        I420 = 8,
        /// <summary>One plane that repeats Y U Y V, as in MFVideoFormat_YUY2.</summary>
        Yuyv = 9,
        /// <summary>One plane that repeats U Y V Y, as in MFVideoFormat_UYVY.</summary>
        Uyvy = 10,
        /// <summary>Alpha, red, green, blue, in the order of the bytes in memory.</summary>
        Argb = 11,
        Abgr = 12,
        /// <summary>NV12 with 16 bits for each sample, of which the upper 10 are used, as in MFVideoFormat_P010.</summary>
        P010 = 13,
        /// <summary>The bytes of a picture file. Use <see cref="Image.Encoded"/>.</summary>
        Encoded = 14,
    }

    /// <summary>How YUV is converted to colours.</summary>
    public enum Yuv : uint
    {
        /// <summary>BT.601, with Y from 16 to 235. Most cameras use it.</summary>
        Bt601Limited = 0,
        Bt601Full = 1,
        /// <summary>BT.709, with Y from 16 to 235. HD video uses it.</summary>
        Bt709Limited = 2,
        Bt709Full = 3,
    }

    /// <summary>The tasks of a network.</summary>
    [Flags]
    public enum Tasks : uint
    {
        Age = 1 << 0,
        Gender = 1 << 1,
        Detect = 1 << 2,
    }

    /// <summary>What the file of a network says about it.</summary>
    public sealed class Network
    {
        internal Network(Native.Network network)
        {
            Name = Native.Text(network.Name);
            Version = Native.Text(network.Version);
            License = Native.Text(network.License);
            Data = Native.Text(network.Data);
            Tasks = (Tasks)network.Tasks;
            InputWidth = (int)network.InputWidth;
            InputHeight = (int)network.InputHeight;
        }

        public string Name { get; }
        public string Version { get; }
        /// <summary>The licence of the weights.</summary>
        public string License { get; }
        /// <summary>The data that the weights were trained on.</summary>
        public string Data { get; }
        public Tasks Tasks { get; }
        /// <summary>The size of the network's input in pixels.</summary>
        public int InputWidth { get; }
        public int InputHeight { get; }
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
        /// <summary>The face has few pixels: the square root of the box's area is below 40.</summary>
        Small = 1 << 0,
        /// <summary>The face is out of focus, or moves.</summary>
        Blurred = 1 << 1,
        /// <summary>The face is under-exposed.</summary>
        Dark = 1 << 2,
        /// <summary>The face is over-exposed.</summary>
        Bright = 1 << 3,
        /// <summary>The head is turned by more than 40 degrees. A region without landmarks never has this flag.</summary>
        Turned = 1 << 4,
        /// <summary>More than 15 % of the box lies outside the picture.</summary>
        CutOff = 1 << 5,
        /// <summary>The head lies on its side or stands upside down. Do not use such an answer, and ask again with
        /// Options.TryTurns.</summary>
        NotUpright = 1 << 6,
    }

    /// <summary>A position in pixels of the upright picture.</summary>
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

    /// <summary>A face that was found already, in pixels of the upright picture. Its box reaches from the forehead to the chin.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Region
    {
        public float X, Y, Width, Height;
        /// <summary>The landmarks: eyes, nose and corners of the mouth, left and right as seen in the picture. All zero means that they are
        /// unknown.</summary>
        public Point LeftEye, RightEye, Nose, LeftMouth, RightMouth;

        public Region(float x, float y, float width, float height) : this()
        {
            X = x;
            Y = y;
            Width = width;
            Height = height;
        }
    }

    /// <summary>Rows of a picture, or of its brightness or colours, in an array or elsewhere.</summary>
    public struct Plane
    {
        internal readonly byte[] Array;
        internal readonly IntPtr Address;
        internal readonly long Offset, Size, Stride;

        /// <summary>The bytes of an array from <paramref name="offset"/> to its end. The rows are <paramref name="stride"/> bytes apart; 0
        /// means no padding.</summary>
        public Plane(byte[] array, int stride = 0, int offset = 0)
            : this(array, stride, offset, (array ?? throw new ArgumentNullException("array")).Length - offset)
        {
        }

        /// <summary>A number of bytes of an array.</summary>
        public Plane(byte[] array, int stride, int offset, int size) : this(IntPtr.Zero, size, stride)
        {
            if (array == null)
            {
                throw new ArgumentNullException("array");
            }
            if (offset < 0 || offset > array.Length - size)
            {
                throw new ArgumentOutOfRangeException("offset", string.Format("{0} bytes from {1} are not in an array of {2}", size, offset, array.Length));
            }
            Array = array;
            Offset = offset;
        }

        /// <summary>Memory that is not an array, such as the Scan0 of a locked System.Drawing bitmap, or a media buffer. A negative stride
        /// belongs to a bottom-up bitmap, whose first row lies last in memory.</summary>
        public Plane(IntPtr address, long size, int stride = 0) : this()
        {
            if (size < 0)
            {
                throw new ArgumentOutOfRangeException("size", string.Format("negative: {0} bytes", size));
            }
            Address = address;
            Size = size;
            Stride = stride;
        }
    }

    /// <summary>A picture in memory. It is pinned and read in place while a call runs, and must not change meanwhile.</summary>
    public sealed class Image
    {
        private readonly Plane[] planes;

        /// <summary>Makes a picture of one plane, or of one for each plane of the format. Planes that are not given follow the last one
        /// without a gap.</summary>
        public Image(Format format, int width, int height, params Plane[] planes)
        {
            if (planes == null)
            {
                throw new ArgumentNullException("planes");
            }
            if (planes.Length < 1 || planes.Length > 3)
            {
                throw new ArgumentException(planes.Length + " planes are given, a picture has one to three", "planes");
            }
            if (width < 0 || height < 0)
            {
                throw new ArgumentOutOfRangeException("width", string.Format("negative size: {0}x{1}", width, height));
            }
            Format = format;
            Width = width;
            Height = height;
            this.planes = (Plane[])planes.Clone();
        }

        /// <summary>Makes a picture of an array with all planes. The rows are <paramref name="stride"/> bytes apart; 0 means no
        /// padding.</summary>
        public Image(Format format, int width, int height, byte[] pixels, int stride = 0) : this(format, width, height, new Plane(pixels, stride))
        {
        }

        /// <summary>Makes a picture of the bytes of a JPEG, PNG, WebP or BMP file, such as an MJPEG frame of a camera. The Exif orientation
        /// is applied before <see cref="Rotation"/>.</summary>
        public static Image Encoded(byte[] bytes)
        {
            return new Image(Format.Encoded, 0, 0, new Plane(bytes));
        }

        public Format Format { get; }
        public int Width { get; }
        public int Height { get; }
        /// <summary>The clockwise rotation that makes the picture upright, in degrees: 0, 90, 180 or 270.</summary>
        public int Rotation { get; set; }
        /// <summary>Whether left and right are swapped after the rotation. Selfie cameras need it.</summary>
        public bool Mirrored { get; set; }
        /// <summary>The number of bytes from one colour sample to the next in I420. 0 means 1.</summary>
        public int ChromaStep { get; set; }
        public Yuv Yuv { get; set; }
        /// <summary>Whether the first row in memory is the lowest one, as in bitmaps of Windows. A negative stride means the
        /// same.</summary>
        public bool BottomUp { get; set; }

        /// <summary>Makes the C view. Arrays that must stay pinned are added to <paramref name="pins"/>.</summary>
        internal Native.Image Borrow(List<GCHandle> pins)
        {
            if (Rotation < 0 || ChromaStep < 0)
            {
                throw new ArgumentOutOfRangeException("image", string.Format("negative: rotation {0}, chroma step {1}", Rotation, ChromaStep));
            }
            IntPtr[] addresses = new IntPtr[3];
            for (int i = 0; i < planes.Length; i++)
            {
                if (planes[i].Size == 0)
                {
                    continue; // In C, a size of 0 would mean "trust me".
                }
                addresses[i] = planes[i].Address;
                if (planes[i].Array != null)
                {
                    GCHandle pin = GCHandle.Alloc(planes[i].Array, GCHandleType.Pinned);
                    pins.Add(pin);
                    addresses[i] = new IntPtr(pin.AddrOfPinnedObject().ToInt64() + planes[i].Offset);
                }
            }
            bool bottomUp = BottomUp;
            long firstStride = planes[0].Stride;
            if (firstStride < 0)
            {
                if (planes.Length > 1 || planes[0].Array != null)
                {
                    throw new ArgumentOutOfRangeException("stride", string.Format(
                        "negative: stride {0} is for one plane in memory that is not an array; set BottomUp", firstStride));
                }
                bottomUp = true;
                // NULL stays NULL, which the library refuses.
                if (addresses[0] != IntPtr.Zero)
                {
                    addresses[0] = new IntPtr(addresses[0].ToInt64() + (Math.Max(Height, 1) - 1) * firstStride);
                }
                firstStride = -firstStride;
            }
            if (Format == Format.Encoded && addresses[0] == IntPtr.Zero)
            {
                // NULL would mean that there are no bytes at all.
                GCHandle pin = GCHandle.Alloc(new byte[1], GCHandleType.Pinned);
                pins.Add(pin);
                addresses[0] = pin.AddrOfPinnedObject();
            }
            Plane first = planes[0], second = planes.Length > 1 ? planes[1] : new Plane(), third = planes.Length > 2 ? planes[2] : new Plane();
            return new Native.Image
            {
                StructSize = (uint)Marshal.SizeOf(typeof(Native.Image)),
                Format = (uint)Format,
                Width = (uint)Width,
                Height = (uint)Height,
                Plane0 = addresses[0],
                Plane1 = addresses[1],
                Plane2 = addresses[2],
                Stride0 = (UIntPtr)(ulong)firstStride,
                Stride1 = (UIntPtr)(ulong)second.Stride,
                Stride2 = (UIntPtr)(ulong)third.Stride,
                Size0 = (UIntPtr)(ulong)first.Size,
                Size1 = (UIntPtr)(ulong)second.Size,
                Size2 = (UIntPtr)(ulong)third.Size,
                Rotation = (uint)Rotation,
                Mirrored = Mirrored ? 1u : 0u,
                ChromaStep = (uint)ChromaStep,
                Yuv = (uint)Yuv,
                BottomUp = bottomUp ? 1u : 0u,
            };
        }
    }

    /// <summary>Options of a prediction. Options that are not set have the library's defaults, by which the faces are searched.</summary>
    public sealed class Options
    {
        /// <summary>The faces, if they were found already. Nothing is then searched, even if the array is empty. Null means a search. A
        /// region of which no part lies in the picture is an error.</summary>
        public Region[] Regions { get; set; }
        /// <summary>Whether the whole picture is one face.</summary>
        public bool Cropped { get; set; }
        public bool SkipAge { get; set; }
        public bool SkipGender { get; set; }
        /// <summary>The largest number of faces to keep; the largest faces are kept. 0 means all.</summary>
        public int MaxFaces { get; set; }
        /// <summary>The probability that the true age lies between AgeLow and AgeHigh. 0 means 0.8.</summary>
        public float AgeCoverage { get; set; }
        /// <summary>The smallest probability for which a label is given, from 0.5 to 1. 0 means the threshold of the model.</summary>
        public float GenderThreshold { get; set; }
        /// <summary>Searches as a tracker searches its frames: at one small scale, in a fifth to a sixth of the time. Most faces below
        /// a sixteenth of the picture's longer side are then missed.</summary>
        public bool FastSearch { get; set; }
        /// <summary>Searches upright and in the three other quarter turns, for pictures that may lie on a side or stand upside down. It
        /// takes four to five times as long.</summary>
        public bool TryTurns { get; set; }
        /// <summary>The smallest face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a fiftieth of
        /// the longer side, and at least 13 pixels; the smallest of these are often missed. A smaller number searches more closely, and
        /// each halving can take four times as long.</summary>
        public int MinFaceSize { get; set; }
        /// <summary>The smallest score of a found face that is kept, above 0 and below 1. 0 means the threshold of the model.</summary>
        public float MinScore { get; set; }
        /// <summary>The number of crops of each face whose answers are averaged, from 1 to 8. The second crop is mirrored, and further ones
        /// are also shifted a little. Each crop takes as much time as the first.</summary>
        public int Crops { get; set; }

        /// <summary>Makes the C view. Arrays that must stay pinned are added to <paramref name="pins"/>.</summary>
        internal Native.Options Borrow(List<GCHandle> pins)
        {
            if (MaxFaces < 0 || MinFaceSize < 0 || Crops < 0)
            {
                throw new ArgumentOutOfRangeException("options", string.Format("MaxFaces is {0}, MinFaceSize is {1}, Crops is {2}", MaxFaces, MinFaceSize, Crops));
            }
            Native.Options o = new Native.Options
            {
                StructSize = (uint)Marshal.SizeOf(typeof(Native.Options)),
                Flags = (SkipAge ? 1u : 0) | (SkipGender ? 2u : 0) | (Cropped ? 4u : 0) | (FastSearch ? 8u : 0) | (TryTurns ? 16u : 0),
                MaxFaces = (uint)MaxFaces,
                AgeCoverage = AgeCoverage,
                GenderThreshold = GenderThreshold,
                MinFaceSize = (uint)MinFaceSize,
                MinScore = MinScore,
                Crops = (uint)Crops,
                RegionSize = (uint)Marshal.SizeOf(typeof(Region)),
            };
            if (Regions != null)
            {
                // An empty array still means that faces are given. Without it the picture would be searched.
                GCHandle pin = GCHandle.Alloc(Regions.Length == 0 ? new Region[1] : Regions, GCHandleType.Pinned);
                pins.Add(pin);
                o.Regions = pin.AddrOfPinnedObject();
                o.RegionCount = (uint)Regions.Length;
            }
            return o;
        }
    }

    /// <summary>One face. It is a plain copy. A number is null if it was not estimated or is not known.</summary>
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
            Yaw = Known(face.Yaw);
            Pitch = Known(face.Pitch);
            Roll = Known(face.Roll);
            TrackEstimates = (int)face.TrackEstimates;
            TrackId = face.TrackId;
            RegionIndex = face.RegionIndex == uint.MaxValue ? (int?)null : (int)face.RegionIndex;
            AgeDistribution = Array.AsReadOnly(years);
        }

        /// <summary>The box in pixels of the upright picture. It may reach beyond the picture.</summary>
        public float X { get; }
        public float Y { get; }
        public float Width { get; }
        public float Height { get; }
        /// <summary>The five landmarks, or null if they are unknown.</summary>
        public IReadOnlyList<Point> Landmarks { get; }
        /// <summary>How sure the detector is that this is a face, from 0 to 1. Null for a face that the caller gave.</summary>
        public float? Score { get; }
        /// <summary>The estimated age in years: the median of the distribution.</summary>
        public float? Age { get; }
        /// <summary>The ends of the interval that holds the true age with the probability AgeCoverage.</summary>
        public float? AgeLow { get; }
        public float? AgeHigh { get; }
        /// <summary>The calibrated probability of the label female, from 0 to 1.</summary>
        public float? FemaleProbability { get; }
        public Gender Gender { get; }
        public Quality Quality { get; }
        /// <summary>The direction of the head in degrees, with an error of about ten. Positive means towards the right of the picture. Null
        /// without landmarks.</summary>
        public float? Yaw { get; }
        /// <summary>The tilt of the head in degrees. Positive means upwards.</summary>
        public float? Pitch { get; }
        /// <summary>The rotation of the head in the picture, in degrees. Positive means clockwise.</summary>
        public float? Roll { get; }
        /// <summary>The index of this face in Options.Regions. Null for a face that was found.</summary>
        public int? RegionIndex { get; }
        /// <summary>A number that stays the same while a tracker follows the face. 0 without a tracker.</summary>
        public ulong TrackId { get; }
        /// <summary>The number of estimates that the answer averages: one for each frame in which the tracker estimated the face. 0 without
        /// a tracker.</summary>
        public int TrackEstimates { get; }
        /// <summary>The probabilities of the whole years from 0, which sum to 1. Empty if the age was skipped.</summary>
        public IReadOnlyList<float> AgeDistribution { get; }

        /// <summary>Returns the probability that the person has lived this many years or more, or null without an age.</summary>
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

    /// <summary>The faces of a picture, with the largest first.</summary>
    public sealed class Prediction
    {
        internal Prediction(int width, int height, IReadOnlyList<Face> faces)
        {
            Width = width;
            Height = height;
            Faces = faces;
        }

        /// <summary>The size of the upright picture in pixels.</summary>
        public int Width { get; }
        public int Height { get; }
        public IReadOnlyList<Face> Faces { get; }

        /// <summary>Copies what a result holds.</summary>
        internal static Prediction Of(Native.ResultHandle result)
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
            // The distributions were read from the result's own memory.
            GC.KeepAlive(result);
            return new Prediction((int)width, (int)height, faces.AsReadOnly());
        }
    }

    /// <summary>The answer to one picture of a batch: its faces, or its error.</summary>
    public sealed class Answer
    {
        private readonly Prediction prediction;

        internal Answer(Prediction prediction, Exception error)
        {
            this.prediction = prediction;
            Error = error;
        }

        /// <summary>The error, or null if the picture did not fail.</summary>
        public Exception Error { get; }

        /// <summary>The faces. Throws the error if the picture failed.</summary>
        public Prediction Prediction
        {
            get
            {
                if (Error != null)
                {
                    throw Error;
                }
                return prediction;
            }
        }
    }

    /// <summary>Options of loading a model. Options that are not set have the library's defaults.</summary>
    public sealed class ModelOptions
    {
        /// <summary>The largest picture that is accepted, in pixels. 0 means 64 Mi.</summary>
        public ulong MaxPixels { get; set; }

        internal static Native.ModelOptions Of(ModelOptions options)
        {
            return new Native.ModelOptions
            {
                StructSize = (uint)Marshal.SizeOf(typeof(Native.ModelOptions)),
                MaxPixels = options == null ? 0 : options.MaxPixels,
            };
        }
    }

    /// <summary>Loaded networks. Loading is slow, so load once. All threads may use one model at the same time. It may be disposed while
    /// another thread predicts: the memory is freed when that call ends.</summary>
    public sealed class Model : IDisposable
    {
        private readonly Native.ModelHandle handle;
        // Stack is not used, because Mono has it in another assembly than .NET.
        private readonly List<Native.ResultHandle> spare = new List<Native.ResultHandle>();
        private readonly string name;
        private bool disposed;

        /// <summary>The pictures of a batch that are held, and predicted, at once.</summary>
        private const int Chunk = 32;

        private delegate int Call(ref Native.Options options, Native.ResultHandle result);

        /// <summary>Loads the built-in model, or model files. Parts that the files lack come from the built-in model.</summary>
        public Model(params string[] files) : this((ModelOptions)null, files)
        {
        }

        /// <summary>Does the same with options.</summary>
        public Model(ModelOptions modelOptions, params string[] files)
        {
            Native.Require();
            Native.ModelOptions options = ModelOptions.Of(modelOptions);
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

        /// <summary>Loads the bytes of a model file.</summary>
        public Model(byte[] model, ModelOptions modelOptions = null)
        {
            if (model == null)
            {
                throw new ArgumentNullException("model");
            }
            Native.Require();
            Native.ModelOptions options = ModelOptions.Of(modelOptions);
            Native.Check(Native.face_predict_model_load_memory(model, (UIntPtr)model.Length, ref options, out handle));
            name = Native.Text(Native.face_predict_model_name(handle));
        }

        /// <summary>The version of the native library, such as "0.1.0".</summary>
        public static string LibraryVersion
        {
            get
            {
                Native.Require();
                return Native.Text(Native.face_predict_version_string());
            }
        }

        /// <summary>The name and version of the networks, for logs.</summary>
        public string Name
        {
            get
            {
                ThrowIfDisposed();
                return name;
            }
        }

        /// <summary>The licences of the weights, each with the name of its network. The weights that are built in by default are for
        /// non-commercial research.</summary>
        public string License
        {
            get
            {
                ThrowIfDisposed();
                return Native.Held(handle, () =>
                {
                    IntPtr license = Native.face_predict_model_license(handle);
                    if (license == IntPtr.Zero)
                    {
                        throw new OutOfMemoryException("no memory for the detector, whose licence counts, too");
                    }
                    return Native.Text(license);
                });
            }
        }

        /// <summary>Returns the network that does a task. One network may do several.</summary>
        public Network Network(Tasks task)
        {
            ThrowIfDisposed();
            return Native.Held(handle, () =>
            {
                Native.Network network;
                Native.Check(Native.face_predict_model_network(handle, (uint)task, out network, (UIntPtr)(ulong)Marshal.SizeOf(typeof(Native.Network))));
                return new Network(network);
            });
        }

        /// <summary>Prepares for pictures of this size, so that the first takes no longer than the others.</summary>
        public void WarmUp(int width, int height, Options options = null)
        {
            if (width < 0 || height < 0)
            {
                throw new ArgumentOutOfRangeException("width", string.Format("negative size: {0}x{1}", width, height));
            }
            ThrowIfDisposed();
            List<GCHandle> pins = new List<GCHandle>();
            try
            {
                Native.Options o = (options ?? new Options()).Borrow(pins);
                Native.Check(Native.face_predict_model_warm_up(handle, (uint)width, (uint)height, ref o));
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
            }
        }

        /// <summary>Finds the faces of a JPEG, PNG, WebP or BMP file, unless they are given, and estimates them. The Exif orientation is
        /// applied.</summary>
        public Prediction Predict(string path, Options options = null)
        {
            byte[] utf8 = Native.Utf8(path, "path");
            return Run(options, (ref Native.Options o, Native.ResultHandle result) => Native.face_predict_file(handle, utf8, ref o, result));
        }

        /// <summary>Does the same for the bytes of such a file.</summary>
        public Prediction Predict(byte[] encoded, Options options = null)
        {
            if (encoded == null)
            {
                throw new ArgumentNullException("encoded");
            }
            // Some runtimes marshal an empty array as null, and others as a pointer that is not null.
            byte[] data = encoded.Length == 0 ? new byte[1] : encoded;
            return Run(options, (ref Native.Options o, Native.ResultHandle result) =>
                Native.face_predict_encoded(handle, data, (UIntPtr)encoded.Length, ref o, result));
        }

        /// <summary>Does the same for pixels in memory.</summary>
        public Prediction Predict(Image image, Options options = null)
        {
            if (image == null)
            {
                throw new ArgumentNullException("image");
            }
            List<GCHandle> pins = new List<GCHandle>();
            try
            {
                Native.Image native = image.Borrow(pins);
                return Run(options, (ref Native.Options o, Native.ResultHandle result) => Native.face_predict(handle, ref native, ref o, result));
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
            }
        }

        /// <summary>Predicts many pictures, which may be encoded, on this many threads. 0 and 1 mean the caller's thread alone. A picture
        /// that fails does not stop the rest: its answer holds the error. If the whole call fails, each answer holds that error. Options
        /// with regions fail, since regions belong to one picture.</summary>
        public IReadOnlyList<Answer> PredictBatch(IEnumerable<Image> images, Options options = null, int threads = 1)
        {
            if (threads < 0)
            {
                throw new ArgumentOutOfRangeException("threads", "threads is " + threads);
            }
            if (images == null)
            {
                throw new ArgumentNullException("images");
            }
            ThrowIfDisposed();
            // A model that is disposed between two chunks lives to the end of the batch.
            return Native.Held(handle, () => Chunks(images, options ?? new Options(), threads));
        }

        private IReadOnlyList<Answer> Chunks(IEnumerable<Image> images, Options options, int threads)
        {
            List<Answer> answers = new List<Answer>();
            List<Image> some = new List<Image>();
            foreach (Image image in images)
            {
                if (image == null)
                {
                    throw new ArgumentNullException("images");
                }
                some.Add(image);
                if (some.Count == Chunk)
                {
                    answers.AddRange(Some(some, options, threads));
                    some.Clear();
                }
            }
            answers.AddRange(Some(some, options, threads));
            return answers.AsReadOnly();
        }

        private Answer[] Some(List<Image> images, Options options, int threads)
        {
            Answer[] answers = new Answer[images.Count];
            List<GCHandle> pins = new List<GCHandle>();
            List<Native.ResultHandle> results = new List<Native.ResultHandle>();
            int size = Marshal.SizeOf(typeof(Native.Image));
            IntPtr memory = Marshal.AllocHGlobal(size * Math.Max(images.Count, 1));
            try
            {
                Native.Options o = options.Borrow(pins);
                List<int> places = new List<int>(); // Of the pictures that C can be given.
                List<IntPtr> from = new List<IntPtr>(), to = new List<IntPtr>();
                for (int i = 0; i < images.Count; i++)
                {
                    Native.Image image;
                    try
                    {
                        image = images[i].Borrow(pins);
                    }
                    catch (ArgumentException error)
                    {
                        answers[i] = new Answer(null, error);
                        continue;
                    }
                    IntPtr place = new IntPtr(memory.ToInt64() + i * size);
                    Marshal.StructureToPtr(image, place, false);
                    Native.ResultHandle result = Native.NewResult();
                    results.Add(result);
                    places.Add(i);
                    from.Add(place);
                    to.Add(result.DangerousGetHandle()); // Only this method knows these results, so nobody disposes them meanwhile.
                }
                // Each result holds the error of its picture.
                Native.face_predict_batch(handle, from.ToArray(), (UIntPtr)(ulong)from.Count, ref o, (uint)threads, to.ToArray());
                for (int i = 0; i < places.Count; i++)
                {
                    int status = Native.face_predict_result_status(results[i]);
                    answers[places[i]] = status == 0 ? new Answer(Prediction.Of(results[i]), null)
                        : new Answer(null, Native.Error(status, Native.face_predict_result_message(results[i])));
                }
                return answers;
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
                results.ForEach(result => result.Dispose());
                Marshal.FreeHGlobal(memory);
            }
        }

        /// <summary>Frees the model. It may be called twice.</summary>
        public void Dispose()
        {
            lock (spare)
            {
                disposed = true;
                spare.ForEach(result => result.Dispose());
                spare.Clear();
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
            List<GCHandle> pins = new List<GCHandle>();
            Native.ResultHandle result = null;
            try
            {
                Native.Options o = (options ?? new Options()).Borrow(pins);
                lock (spare)
                {
                    ThrowIfDisposed();
                    // Results are used again with their buffers. There are as many as threads ran at once.
                    if (spare.Count > 0)
                    {
                        result = spare[spare.Count - 1];
                        spare.RemoveAt(spare.Count - 1);
                    }
                }
                result = result ?? Native.NewResult();
                Native.Check(call(ref o, result));
                return Prediction.Of(result);
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
                lock (spare)
                {
                    if (disposed)
                    {
                        result?.Dispose();
                    }
                    else if (result != null)
                    {
                        spare.Add(result);
                    }
                }
            }
        }

        internal Native.ModelHandle Handle
        {
            get
            {
                ThrowIfDisposed();
                return handle;
            }
        }
    }

    /// <summary>Options of a tracker. Options that are not set, or 0, have the library's defaults.</summary>
    public sealed class TrackerOptions
    {
        /// <summary>The detector runs on every n-th frame. Between these frames each box moves on with its last speed, which
        /// decreases.</summary>
        public int DetectEvery { get; set; }
        /// <summary>A face is estimated on every n-th frame in which the detector finds it.</summary>
        public int EstimateEvery { get; set; }
        /// <summary>The time constant of the average over estimates, in seconds. 0 means 2.</summary>
        public float MemorySeconds { get; set; }
        /// <summary>The time in seconds after which a face that is no longer found is forgotten. 0 means 1.</summary>
        public float LostSeconds { get; set; }
    }

    /// <summary>Follows the faces of one camera. It gives each face a TrackId, and averages its answers over TrackEstimates estimates. It
    /// keeps what it needs of the model, which may be disposed. If several threads call it, one goes on, and the others wait.</summary>
    public sealed class Tracker : IDisposable
    {
        private readonly Native.TrackerHandle handle;
        private readonly Native.ResultHandle result;
        private readonly object gate = new object();
        private bool disposed;

        public Tracker(Model model, TrackerOptions options = null)
        {
            if (model == null)
            {
                throw new ArgumentNullException("model");
            }
            options = options ?? new TrackerOptions();
            if (options.DetectEvery < 0 || options.EstimateEvery < 0)
            {
                throw new ArgumentOutOfRangeException("options", string.Format("DetectEvery is {0}, EstimateEvery is {1}", options.DetectEvery, options.EstimateEvery));
            }
            Native.TrackerOptions o = new Native.TrackerOptions
            {
                StructSize = (uint)Marshal.SizeOf(typeof(Native.TrackerOptions)),
                DetectEvery = (uint)options.DetectEvery,
                EstimateEvery = (uint)options.EstimateEvery,
                MemorySeconds = options.MemorySeconds,
                LostSeconds = options.LostSeconds,
            };
            Native.Check(Native.face_predict_tracker_new(model.Handle, ref o, out handle));
            result = Native.NewResult();
        }

        /// <summary>Takes the next frame. <paramref name="time"/> counts from any start, and must not go back.</summary>
        public Prediction Update(Image image, TimeSpan time, Options options = null)
        {
            if (image == null)
            {
                throw new ArgumentNullException("image");
            }
            List<GCHandle> pins = new List<GCHandle>();
            try
            {
                Native.Image native = image.Borrow(pins);
                Native.Options o = (options ?? new Options()).Borrow(pins);
                lock (gate)
                {
                    ThrowIfDisposed();
                    Native.Check(Native.face_predict_tracker_update(handle, ref native, time.Ticks / 10, ref o, result));
                    return Prediction.Of(result);
                }
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
            }
        }

        /// <summary>Forgets all faces, for example after a jump in a video. Their numbers are not used again.</summary>
        public void Reset()
        {
            lock (gate)
            {
                ThrowIfDisposed();
                Native.face_predict_tracker_reset(handle);
            }
        }

        /// <summary>Frees the tracker, after an update that another thread runs. It may be called twice.</summary>
        public void Dispose()
        {
            lock (gate)
            {
                disposed = true;
                handle.Dispose();
                result.Dispose();
            }
        }

        private void ThrowIfDisposed()
        {
            if (disposed)
            {
                throw new ObjectDisposedException("Tracker", "the tracker is disposed: make a new one");
            }
        }
    }

    internal static class Native
    {
        /// <summary>The major version of the header that the structs below mirror.</summary>
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

        internal sealed class TrackerHandle : SafeHandle
        {
            public TrackerHandle() : base(IntPtr.Zero, true)
            {
            }

            public override bool IsInvalid
            {
                get { return handle == IntPtr.Zero; }
            }

            protected override bool ReleaseHandle()
            {
                face_predict_tracker_free(handle);
                return true;
            }
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct ModelOptions
        {
            public uint StructSize, Flags;
            public ulong MaxPixels;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct TrackerOptions
        {
            public uint StructSize, DetectEvery, EstimateEvery;
            public float MemorySeconds, LostSeconds;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Image
        {
            public uint StructSize, Format, Width, Height;
            public IntPtr Plane0, Plane1, Plane2;
            public UIntPtr Stride0, Stride1, Stride2;
            public UIntPtr Size0, Size1, Size2;
            public uint Rotation, Mirrored, ChromaStep, Yuv, BottomUp, Reserved;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Options
        {
            public uint StructSize, Flags, MaxFaces, RegionCount;
            public IntPtr Regions;
            public float AgeCoverage, GenderThreshold;
            public uint MinFaceSize;
            public float MinScore;
            public uint Crops, RegionSize;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Face
        {
            public Region Region;
            public float Score, Age, AgeLow, AgeHigh, FemaleProbability;
            public Gender Gender;
            public Quality Quality;
            public float Yaw, Pitch, Roll;
            public uint TrackEstimates, RegionIndex;
            public ulong TrackId;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct Network
        {
            public IntPtr Name, Version, License, Data;
            public uint Tasks, InputWidth, InputHeight, Reserved;
        }

        /// <summary>Keeps an object from being freed, by a finaliser or another thread, while its own memory is read.</summary>
        internal static T Held<T>(SafeHandle handle, Func<T> read)
        {
            bool held = false;
            try
            {
                handle.DangerousAddRef(ref held);
                return read();
            }
            finally
            {
                if (held)
                {
                    handle.DangerousRelease();
                }
            }
        }

        /// <summary>Throws if the library is missing or has another major version, and says what to do.</summary>
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
                throw Error(status);
            }
        }

        /// <summary>Makes an error with the message of the last failed call on this thread.</summary>
        internal static FacePredictException Error(int status)
        {
            return Error(status, face_predict_last_error());
        }

        internal static FacePredictException Error(int status, IntPtr message)
        {
            return new FacePredictException(status, Text(face_predict_status_name(status)), Text(message));
        }

        internal static ResultHandle NewResult()
        {
            ResultHandle result = face_predict_result_new();
            if (result.IsInvalid)
            {
                throw new OutOfMemoryException("no memory for a result of face_predict");
            }
            return result;
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

        /// <summary>Returns the text in UTF-8 with a zero at its end.</summary>
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
        internal static extern IntPtr face_predict_model_license(ModelHandle model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_model_network(ModelHandle model, uint task, out Network network, UIntPtr size);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_model_warm_up(ModelHandle model, uint width, uint height, ref Options options);

        [DllImport(Library, CallingConvention = C)]
        private static extern void face_predict_model_free(IntPtr model);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict(ModelHandle model, ref Image image, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_file(ModelHandle model, [In] byte[] path, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_encoded(ModelHandle model, [In] byte[] data, UIntPtr size, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_batch(ModelHandle model, [In] IntPtr[] images, UIntPtr count, ref Options options, uint threads, [In] IntPtr[] results);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_tracker_new(ModelHandle model, ref TrackerOptions options, out TrackerHandle tracker);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_tracker_update(TrackerHandle tracker, ref Image image, long timeMicroseconds, ref Options options, ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern void face_predict_tracker_reset(TrackerHandle tracker);

        [DllImport(Library, CallingConvention = C)]
        private static extern void face_predict_tracker_free(IntPtr tracker);

        [DllImport(Library, CallingConvention = C)]
        private static extern ResultHandle face_predict_result_new();

        [DllImport(Library, CallingConvention = C)]
        internal static extern int face_predict_result_status(ResultHandle result);

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr face_predict_result_message(ResultHandle result);

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
